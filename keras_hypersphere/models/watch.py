"""What a model measures of its embeddings while it trains."""

from typing import Any, NamedTuple

import keras
from keras import ops

from keras_hypersphere.layers.agent_layer import AgentLayer
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.models import heads as model_heads
from keras_hypersphere.models.embedding_spread import EmbeddingSpread, share
from keras_hypersphere.ops import columns, spread
from keras_hypersphere.ops import labels as class_labels

Tensor = Any


class Seen(NamedTuple):
    """The outputs of a step, and what was measured on their way."""

    outputs: Any
    measures: dict[str, Any]


class Watch:
    """Running means over the batches of an epoch, of one model's heads.

    Not a layer: what it holds is neither saved nor trained. It is `on` only
    while somebody, such as `kh.callbacks.MarginMonitor`, wants to know.

    Args:
        heads: list of layers, the last of which gives the logits.
    """

    def __init__(self, heads: list[keras.layers.Layer]) -> None:
        self.heads = heads
        self.on = False
        mean = keras.metrics.Mean
        self.metrics = {"embedding_norm": mean("embedding_norm")}
        if has_directions(heads[-1]):
            self.metrics["target_angle"] = mean("target_angle")
        if has_cosines(heads[-1]):
            self.metrics["loss_without_margin"] = mean("loss_without_margin")
        self.metrics["embedding_spread"] = EmbeddingSpread("embedding_spread")

    def see(
        self, outputs: Any, embeddings: Any, labels: Any, logits: Any
    ) -> Any:
        """`outputs`, with measures while the watch is on.

        `logits` may have a margin.
        """
        if not self.on:
            return outputs
        found = self.samples(embeddings, labels, logits)
        classes = logits.shape[-1]
        indices = class_labels.class_indices(labels, classes, None)
        cosine, pairs = spread.pair_cosines(spread.widen(embeddings), indices)
        found["embedding_spread"] = (share(classes) * (1.0 - cosine), pairs)
        return Seen(outputs, found)

    def take(self, y_pred: Any) -> Any:
        """Adds what a batch has shown; returns the outputs alone."""
        if isinstance(y_pred, Seen):
            for name, values in y_pred.measures.items():
                if name == "embedding_spread":
                    self.metrics[name].update_state(*values)
                else:
                    self.metrics[name].update_state(values)
        return self.outputs(y_pred)

    def outputs(self, y_pred: Any) -> Any:
        """The outputs alone."""
        return y_pred.outputs if isinstance(y_pred, Seen) else y_pred

    def samples(
        self, embeddings: Any, labels: Any, logits: Any = None
    ) -> dict[str, Tensor]:
        """Norm, target angle and loss without a margin, each of (N,)."""
        head = self.heads[-1]
        x = spread.widen(embeddings)
        found = {"embedding_norm": spread.lengths(x)}
        if not has_directions(head):
            return found
        labels = class_labels.class_indices(labels, head.units, None)
        kernel = ops.cast(head.kernel, x.dtype)
        if isinstance(head, AgentLayer):
            kernel = ops.transpose(kernel)
        own = columns.own_weights(kernel, labels)
        found["target_angle"] = spread.angles(x, own)
        if has_cosines(head):
            if logits is None or isinstance(head, MarginHead):
                logits = model_heads.apply(
                    self.heads, embeddings, None, training=False
                )
            found["loss_without_margin"] = ops.sparse_categorical_crossentropy(
                labels, spread.widen(logits), from_logits=True
            )
        return found


def has_directions(head: keras.layers.Layer) -> bool:
    """Whether a layer has one weight vector for each class."""
    kinds = AgentLayer, CosineDense, MarginHead, keras.layers.Dense
    return isinstance(head, kinds)


def has_cosines(head: keras.layers.Layer) -> bool:
    """Whether the logits are cosines, times a scale and lengths."""
    return isinstance(head, CosineDense | MarginHead)
