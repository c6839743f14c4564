"""The argument `distance_metric` of the triplet losses."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_hypersphere.mining.pairwise_distance import pairwise_distance

Tensor = Any
Metric = str | Callable[[Tensor], Tensor]

DISTANCES = {"L2": "l2", "squared-L2": "squared-l2"}
NAMES = (*DISTANCES, "angular")


def resolve(distance_metric: Any) -> Metric:
    """A name or a function, which may come from a configuration."""
    if isinstance(distance_metric, dict):
        distance_metric = keras.saving.deserialize_keras_object(distance_metric)
    if distance_metric not in NAMES and not callable(distance_metric):
        names = ", ".join(f'"{name}"' for name in NAMES)
        raise ValueError(
            f"`distance_metric` must be one of {names}, or a function of "
            "(N, d) embeddings that returns their (N, N) distances. "
            f"Received: distance_metric={distance_metric!r}."
        )
    return distance_metric


def serialize(distance_metric: Metric) -> Any:
    """What a configuration holds of it."""
    if isinstance(distance_metric, str):
        return distance_metric
    return keras.saving.serialize_keras_object(distance_metric)


def distances_of(x: Tensor, distance_metric: Metric) -> Tensor:
    """(N, d) embeddings -> (N, N) distances."""
    distance_metric = resolve(distance_metric)
    if distance_metric in DISTANCES:
        return pairwise_distance(x, distance=DISTANCES[distance_metric])
    if distance_metric == "angular":
        # Of two: on the diagonal, a zero vector is 1 away from itself.
        return pairwise_distance(x, x, "cosine")
    found = ops.cast(distance_metric(x), x.dtype)  # type: ignore[operator]
    shape = tuple(found.shape)
    known = {size for size in (*shape, x.shape[0]) if size is not None}
    if len(shape) != 2 or len(known) > 1:
        raise ValueError(
            "`distance_metric` must return an (N, N) matrix for (N, d) "
            f"embeddings. Received: a result of shape {shape} for embeddings "
            f"of shape {tuple(x.shape)}."
        )
    return found
