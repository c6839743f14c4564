"""The contrastive loss over all pairs of a batch."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.mining.pairwise_distance import (
    pairwise_distance,
)
from keras_hypersphere.ops import bounds
from keras_hypersphere.ops.batch_pairs import Memory, batch_pairs

# The square of a larger hinge, summed over a batch, would be infinite.
LARGEST = 1e17


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class PairContrastiveLoss(MetricLoss):
    """Contrastive loss over all pairs of the batch's embeddings.

    For the distance D of two different samples, the loss of the pair is
    `positive_weight * max(0, D - positive_margin)^p` if they are of one
    class, and `negative_weight * max(0, margin - D)^p` if not, with p = 2,
    or 1 with `squared=False`. The batch's loss is the mean over its pairs.

    Put it behind embeddings, with class labels as targets, and let batches
    hold several samples of a class (`kh.data.BalancedBatches`). With
    `distance="squared-l2"` and `squared=False` it is the loss that
    NormFace's `AgentContrastive` replaces.

    Args:
        margin: float >= 0, beyond which different classes are free. Defaults
            to `1.0`.
        positive_margin: float >= 0, within which one class is free. Defaults
            to `0.0`.
        distance: `"l2"`, `"squared-l2"` or `"cosine"` (1 - cosine). Defaults
            to `"l2"`, Hadsell's.
        squared: bool, whether hinges are squared. Defaults to `True`.
        positive_weight: float >= 0. Defaults to `1.0`.
        negative_weight: float >= 0. Defaults to `1.0`.
        cross_replica: bool, whether pairs are also made with the samples of
            other replicas. Defaults to `True`: one device and eight then
            give the same loss.
        reduction: as in Keras; means are over all replicas' samples.
            Defaults to `"sum_over_batch_size"`.
        name: str or None.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class indices.
        y_pred: `(N, d)` embeddings.

    Input shape:
        `(N, d)`

    Output shape:
        `()`; `(N,)` from `call` and with `reduction=None`: for each anchor
        the sum over its pairs, times N and divided by the number of ordered
        pairs, so that the mean over anchors is the mean over pairs. Zero
        without pairs.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional, negative or from 2^31 on.

    Example:

    >>> loss = kh.losses.PairContrastiveLoss(margin=2.0)
    >>> embeddings = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> round(float(loss(np.array([0, 0, 1]), embeddings)), 4)
    0.781

    Reference:
        Dimensionality Reduction by Learning an Invariant Mapping (2006),
        https://doi.org/10.1109/CVPR.2006.100, which halves the loss of each
        pair; here, as in TensorFlow Addons, it is whole.
    """

    takes_memory = True

    def __init__(
        self,
        margin: float = 1.0,
        positive_margin: float = 0.0,
        distance: str = "l2",
        squared: bool = True,
        positive_weight: float = 1.0,
        negative_weight: float = 1.0,
        cross_replica: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.margin = arguments.number("margin", margin, minimum=0.0)
        self.positive_margin = arguments.number(
            "positive_margin", positive_margin, minimum=0.0
        )
        self.distance = arguments.choice(
            "distance", distance, arguments.DISTANCES
        )
        self.squared = arguments.flag("squared", squared)
        self.positive_weight = arguments.number(
            "positive_weight", positive_weight, minimum=0.0
        )
        self.negative_weight = arguments.number(
            "negative_weight", negative_weight, minimum=0.0
        )
        self.cross_replica = arguments.flag("cross_replica", cross_replica)

    def anchor_losses(
        self, labels: Any, y_pred: Any, memory: Memory | None = None
    ) -> Any:
        references, valid, same = batch_pairs(
            y_pred, labels, self.cross_replica, memory
        )
        alone = references is y_pred
        distances = pairwise_distance(
            y_pred, None if alone else references, self.distance
        )
        hinges = ops.where(
            same, distances - self.positive_margin, self.margin - distances
        )
        zeros = ops.zeros_like(hinges)
        hinges = ops.where(valid & (hinges > 0), hinges, zeros)
        if self.squared:
            hinges = ops.square(bounds.at_most(hinges, LARGEST))
        weights = ops.where(
            same, zeros + self.positive_weight, zeros + self.negative_weight
        )
        anchors = ops.sum(weights * hinges, axis=-1)
        # Each of the anchors has as many: all references but itself.
        count = ops.sum(ops.cast(valid, anchors.dtype), axis=-1)
        return anchors / bounds.at_least(count, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "positive_margin": self.positive_margin,
            "distance": self.distance,
            "squared": self.squared,
            "positive_weight": self.positive_weight,
            "negative_weight": self.negative_weight,
            "cross_replica": self.cross_replica,
        }
