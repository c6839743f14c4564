"""A metric that tells a collapse."""

from typing import Any

import keras
from keras import ops


class EmbeddingSpread(keras.metrics.Mean):
    """How far apart the embeddings of different classes lie.

    `sqrt((n - 1) / n * (1 - c))`, where `c` is the mean cosine of pairs of
    embeddings from two of `n` classes: 1 for a simplex, the best there is
    for all classes at once; 0 where all have one direction. With these
    embeddings and scale `s`, no class weights bring the softmax loss below
    `kh.theory.softmax_lower_bound(n, s * spread)`.

    `update_state` takes `share(n) * (1 - c)` of some pairs, and their number
    as `sample_weight`.
    """

    def result(self) -> Any:
        return ops.sqrt(ops.maximum(super().result(), 0.0))


def share(classes: int) -> float:
    """`(n - 1) / n`, 1 where there are no two classes."""
    return (classes - 1) / classes if classes > 1 else 1.0
