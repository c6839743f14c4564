"""What mining finds, in the logs of `fit`."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_hypersphere import arguments
from keras_hypersphere.callbacks import anatomy, sample
from keras_hypersphere.mining.pairwise_distance import pairwise_distance
from keras_hypersphere.mining.select import semi_hard_negatives
from keras_hypersphere.models.embedding_spread import share


class MiningMonitor(keras.callbacks.Callback):
    """Logs what semi-hard mining finds, and warns of collapsed embeddings.

    At the end of each epoch, with its weights, the logs have

    * `semi_hard_anchors`: of the anchors a with a positive and a negative,
      the share with a semi-hard one, `D(a, p) < D(a, n) < D(a, p) + margin`
      for some p. They are what `TripletLoss` learns from; it falls as
      training succeeds, and to 0 at once when embeddings collapse;
    * `violated_pairs`: of the pairs (a, p) with a negative, the share with a
      negative no farther than p. Mining passes over these negatives;
    * `embedding_spread`: as in `MarginMonitor`.

    It warns, once a training, where `embedding_spread < collapse`.

    Args:
        x: inputs to measure together, as one batch, or a data set of (x, y)
            whose batches are measured one by one, such as
            `kh.data.BalancedBatches`.
        y: `(N,)` or `(N, 1)` class indices of `x`. Defaults to None, for a
            data set.
        margin: float >= 0, the loss's. Defaults to `0.2`.
        distance: str, the loss's. Defaults to `"squared-l2"`.
        batch_size: int, of predictions on `x`. Defaults to `32`.
        prefix: str, before the names. Defaults to `""`.
        collapse: float >= 0; 0 never warns. Defaults to `0.1`.

    Raises:
        ValueError: if `y` does not fit `x`, or if an argument is not one of
            those above.

    Example:

    >>> model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4),
    ...                           keras.layers.UnitNormalization()])
    >>> model.compile("adam", kh.losses.TripletLoss())
    >>> x, y = np.random.rand(24, 6), np.arange(24) % 6
    >>> monitor = kh.callbacks.MiningMonitor(x, y)
    >>> logs = model.fit(x, y, callbacks=[monitor], verbose=0).history
    >>> 0.0 <= logs["semi_hard_anchors"][-1] <= 1.0
    True

    Reference:
        FaceNet: A Unified Embedding for Face Recognition and Clustering
        (2015), https://arxiv.org/abs/1503.03832, section 3.2, for semi-hard
        negatives and the collapse that hard ones cause.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        margin: float = 0.2,
        distance: str = "squared-l2",
        batch_size: int = 32,
        prefix: str = "",
        collapse: float = 0.1,
    ) -> None:
        super().__init__()
        if (y is None) != sample.is_dataset(x):
            raise ValueError(
                "`x` and `y` must be given together, or `x` alone as a data "
                f"set of (x, y). Received: x={type(x).__name__}, "
                f"y={type(y).__name__}."
            )
        if not isinstance(prefix, str):
            raise ValueError(
                f"`prefix` must be a string. Received: prefix={prefix!r}."
            )
        self.x, self.y = x, y
        self.margin = arguments.number("margin", margin, minimum=0.0)
        self.distance = arguments.choice(
            "distance", distance, arguments.DISTANCES
        )
        self.batch_size = arguments.positive_integer("batch_size", batch_size)
        self.prefix = prefix
        self.collapse = arguments.number("collapse", collapse, minimum=0.0)
        self.warned = False

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.parts = anatomy.dissect(model)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.warned = False

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        logs = {} if logs is None else logs
        # On JAX, asking for the model puts the weights where we find them.
        self.model  # noqa: B018
        batches = [
            self._measure(x, y) for x, y in sample.batches(self.x, self.y)
        ]
        sums = np.sum(batches, axis=0)
        found, anchors, violated, pairs, spread, count = sums
        seen = {
            "semi_hard_anchors": float(found / max(anchors, 1)),
            "violated_pairs": float(violated / max(pairs, 1)),
            "embedding_spread": float(spread / max(count, 1)),
        }
        logs.update({self.prefix + name: v for name, v in seen.items()})
        if seen["embedding_spread"] < self.collapse and not self.warned:
            self.warned = True
            warnings.warn(
                f"Collapse in epoch {epoch + 1}: embeddings of different "
                "classes have nearly one direction (or are zero). "
                f"embedding_spread={seen['embedding_spread']:.3g}, healthy is "
                "near 1. Start again with a smaller learning rate, semi-hard "
                "instead of hard mining, or weights trained with a softmax.",
                stacklevel=2,
            )

    def _measure(self, x: Any, y: Any) -> tuple[float, ...]:
        """Anchors found and all, pairs violated and all, spread, samples."""
        embeddings, labels = sample.embed(self.parts, x, y, self.batch_size)
        distances = pairwise_distance(
            keras.ops.convert_to_tensor(embeddings), None, self.distance
        )
        _, valid = semi_hard_negatives(distances, labels, margin=self.margin)
        valid = keras.ops.convert_to_numpy(valid)
        distances = keras.ops.convert_to_numpy(distances)
        same = labels[:, None] == labels
        pairs = same & ~np.eye(len(labels), dtype=bool)
        pairs &= ~same.all(axis=1, keepdims=True)
        nearest = np.where(same, np.inf, distances).min(axis=1, keepdims=True)
        violated = pairs & (nearest <= distances)
        classes = len(np.unique(labels))
        cosine = sample.mean_cosine(embeddings.astype("float64"), labels)
        spread = np.sqrt(max(share(classes) * (1.0 - cosine), 0.0))
        return (
            valid.any(axis=1).sum(),
            pairs.any(axis=1).sum(),
            violated.sum(),
            pairs.sum(),
            spread * len(labels),
            len(labels),
        )
