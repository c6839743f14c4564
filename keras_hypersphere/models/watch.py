"""What a model measures of its embeddings while it trains."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.layers.agent_layer import AgentLayer
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.models.embedding_spread import EmbeddingSpread, share
from keras_hypersphere.models.step import Step
from keras_hypersphere.ops import columns, spread
from keras_hypersphere.ops import labels as class_labels

Tensor = Any


class Watch:
    """Running means over the batches of an epoch, of one model's heads.

    Not a layer: what it holds is neither saved nor trained. It is `on` only
    while somebody, such as `kh.callbacks.MarginMonitor`, wants to know.

    Args:
        heads: list of layers, the last of which gives the logits.
    """

    def __init__(self, heads: list[keras.layers.Layer]) -> None:
        self.heads = heads
        # Whose class weights there are, where another head owns its softmax.
        self.weighted = heads[-1]
        if getattr(heads[-1], "owns_cross_entropy", False):
            self.weighted = heads[-1].head
        self.on = False
        mean = keras.metrics.Mean
        self.metrics = {"embedding_norm": mean("embedding_norm")}
        if has_directions(self.weighted):
            self.metrics["target_angle"] = mean("target_angle")
        if has_cosines(heads[-1]):
            self.metrics["loss_without_margin"] = mean("loss_without_margin")
        if getattr(heads[-1], "has_margin", False):
            self.metrics["accuracy_with_margin"] = mean("accuracy_with_margin")
        self.metrics["embedding_spread"] = EmbeddingSpread("embedding_spread")

    def take(self, step: Step) -> None:
        """Adds what a batch has shown."""
        kept = class_labels.kept(step.labels)
        found = self.samples(step.embeddings, step.labels, step.plain)
        if "accuracy_with_margin" in self.metrics:
            best = ops.cast(ops.argmax(step.logits, axis=-1), "int32")
            found["accuracy_with_margin"] = ops.equal(best, step.labels)
        for name, values in found.items():
            self.metrics[name].update_state(values, sample_weight=kept)
        x = spread.upcast(step.embeddings)
        cosine, pairs = spread.pair_cosines(x, step.labels)
        classes = step.logits.shape[-1]
        if self.weighted is not self.heads[-1]:
            classes = self.weighted.units
        self.metrics["embedding_spread"].update_state(
            share(classes) * (1.0 - cosine), pairs
        )

    def samples(
        self, embeddings: Any, labels: Any, plain: Any = None
    ) -> dict[str, Tensor]:
        """Norm, target angle and loss without a margin, each of (N,).

        `plain` are the logits without a margin, where they are known.
        """
        head = self.weighted
        x = spread.upcast(embeddings)
        found = {"embedding_norm": spread.lengths(x)}
        if not has_directions(head):
            return found
        if plain is None:
            labels = class_labels.class_indices(labels, head.units, None)
        if isinstance(head, MarginHead):
            own = ops.cast(head.target_weights(x, labels), x.dtype)
        else:
            kernel = ops.cast(head.kernel, x.dtype)
            if isinstance(head, AgentLayer):
                kernel = ops.transpose(kernel)
            own = columns.own_weights(kernel, labels)
        found["target_angle"] = spread.angles(x, own)
        if has_cosines(self.heads[-1]):
            plain = head(embeddings) if plain is None else plain
            found["loss_without_margin"] = ops.sparse_categorical_crossentropy(
                ops.maximum(labels, 0), spread.upcast(plain), from_logits=True
            )
        return found


def has_directions(head: keras.layers.Layer) -> bool:
    """Whether a layer has one weight vector for each class."""
    kinds = AgentLayer, CosineDense, MarginHead, keras.layers.Dense
    return isinstance(head, kinds)


def has_cosines(head: keras.layers.Layer) -> bool:
    """Whether the logits are cosines, times a scale and lengths.

    Not those of binary questions (SphereFace2, UniFace), which have a bias
    and are not trained by a softmax.
    """
    if getattr(head, "trains_itself", False):
        return False
    return isinstance(head, CosineDense | MarginHead)
