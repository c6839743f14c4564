"""FaceNet's triplet loss, mined within the batch."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.losses.triplet_arguments import (
    TripletArguments,
    mean_of_terms,
)
from keras_hypersphere.mining.pairwise_distance import pairwise_distance
from keras_hypersphere.ops.batch_pairs import Memory, references_of


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class TripletLoss(MetricLoss):
    """Triplet loss over the anchors, positives and negatives of a batch.

    `[D(a, p) - D(a, n) + margin]_+` for an anchor a, a positive p (another
    sample of its class) and a negative n (of another class), with

    * `mining="semi-hard"`: for every pair (a, p), the nearest n beyond p,
      `D(a, p) < D(a, n)`. The hinge is zero if that is `margin` or more
      beyond. Pairs without one count as zero, or, with `fallback="largest"`,
      take the farthest of all negatives. The mean is over pairs.
    * `mining="hard"`: for every anchor, the farthest p and the nearest n. The
      mean is over anchors.
    * `mining="all"`: every triplet. The mean is over triplets.

    Of equal distances, the sample with the lowest index is taken.

    Put it behind embeddings of length 1 (`kh.layers.NormalizeLayer`), with
    class labels as targets, and let batches hold several samples of a class.
    Memory grows with the square of the batch, time with that times the
    largest number of samples of a class.

    Args:
        margin: float >= 0. Defaults to `0.2`.
        mining: `"semi-hard"`, `"hard"` or `"all"`. Defaults to
            `"semi-hard"`.
        distance: `"squared-l2"`, `"l2"` or `"cosine"` (1 - cosine). Defaults
            to `"squared-l2"`, FaceNet's.
        fallback: None or `"largest"`, for semi-hard mining only. Defaults to
            None; `"largest"` is TensorFlow Addons'.
        cross_replica: bool, whether positives and negatives also come from
            the other replicas. Defaults to `True`: one device and eight then
            give the same loss.
        reduction: as in Keras; means are over all replicas' samples.
            Defaults to `"sum_over_batch_size"`.
        name: str or None.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class indices.
        y_pred: `(N, d)` embeddings.
        sample_weight: weighs anchors, with all their triplets.

    Input shape:
        `(N, d)`

    Output shape:
        `()`; `(N,)` from `call` and with `reduction=None`: for each anchor
        the sum of its hinges, times N and divided by the number of ordered
        pairs of a class (`"all"`: of triplets), so that the mean over anchors
        is the mean over pairs (triplets). Zero without any.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional, negative or from 2^31 on.

    Example:

    >>> angles = np.array([0.0, 0.4, 0.6, 0.45, 2.0, 0.1])
    >>> embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    >>> loss = kh.losses.TripletLoss()
    >>> round(float(loss(np.array([0, 0, 1, 1, 2, 2]), embeddings)), 5)
    0.07614

    Reference:
        FaceNet: A Unified Embedding for Face Recognition and Clustering
        (2015), https://arxiv.org/abs/1503.03832, which sums over triplets
        and does not say what a pair without semi-hard negative does. In
        Defense of the Triplet Loss (2017), https://arxiv.org/abs/1703.07737,
        for the other two.
    """

    takes_memory = True

    def __init__(
        self,
        margin: float = 0.2,
        mining: str = "semi-hard",
        distance: str = "squared-l2",
        fallback: str | None = None,
        cross_replica: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.options = TripletArguments.checked(
            margin, mining, distance, fallback
        )
        for option, value in self.options._asdict().items():
            setattr(self, option, value)
        self.cross_replica = arguments.flag("cross_replica", cross_replica)

    def anchor_losses(
        self, labels: Any, y_pred: Any, memory: Memory | None = None
    ) -> Any:
        references, others, own = references_of(
            y_pred, labels, self.cross_replica, memory
        )
        if references.shape[0] == 0:
            return ops.sum(y_pred, axis=-1)
        alone = references is y_pred
        distances = pairwise_distance(
            y_pred, None if alone else references, self.distance
        )
        sums, terms = self.options.hinges(
            distances, labels, others, others, own
        )
        return mean_of_terms(sums, terms, self.cross_replica)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.options._asdict(),
            "cross_replica": self.cross_replica,
        }
