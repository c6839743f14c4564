"""TensorFlow Addons' triplet loss with hard positives and negatives."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.addons.losses import batch
from keras_hypersphere.addons.losses import distance_metric as metrics
from keras_hypersphere.addons.losses.batch_loss import BatchLoss
from keras_hypersphere.ops import class_ids, gradients

Tensor = Any


@keras.saving.register_keras_serializable(package="Addons")
def triplet_hard_loss(
    y_true: Tensor,
    y_pred: Tensor,
    margin: float = 1.0,
    soft: bool = False,
    distance_metric: metrics.Metric = "L2",
) -> Tensor:
    """Triplet loss of a batch, with hard positives and negatives.

    See `TripletHardLoss`.

    Args:
        y_true: `(N,)` or `(N, 1)` class labels, any numbers; floats
            below 2^24.
        y_pred: `(N, d)` embeddings, of length 1 as a rule.
        margin: float. Defaults to `1.0`.
        soft: bool, `log(1 + exp(.))` in place of the hinge. Defaults to
            `False`.
        distance_metric: `"L2"`, `"squared-L2"`, `"angular"`, or a function.
            Defaults to `"L2"`.

    Returns:
        Scalar, float32, or float64 for float64 embeddings.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.triplet_hard_loss(
    ...     [0, 0, 1], [[0.0], [1.0], [3.0]])
    >>> round(float(loss), 4)
    0.0

    Reference:
        `tensorflow_addons.losses.triplet_hard_loss`, version 0.23, which
        gives the dtype of `y_pred` for half types.
    """
    margin = arguments.number("margin", margin)
    soft = arguments.flag("soft", soft)
    x = batch.matrix(y_pred)
    labels, wrong = class_ids.class_ranks(y_true, x.shape[0])
    if x.shape[0] == 0:
        return ops.sum(x)
    distances = metrics.distances_of(x, distance_metric)
    same = batch.same_class(labels)
    positive = same & batch.other_samples(labels)
    negative = ops.logical_not(same)
    farthest = _largest(distances, positive)
    nearest = -_largest(-distances, negative)
    losses = farthest - nearest
    if soft:
        losses = ops.softplus(losses)
    else:
        losses = losses + margin
        losses = ops.where(losses >= 0, losses, ops.zeros_like(losses))
    count = ops.maximum(ops.cast(ops.shape(x)[0], losses.dtype), 1.0)
    return batch.keep_nan(ops.sum(losses) / count, x, wrong)


def _largest(values: Tensor, mask: Tensor) -> Tensor:
    """Largest value of a mask in every row; without any, the smallest of all.

    So for distances an anchor without positives has itself, as a rule.
    """
    smallest = ops.min(values, axis=1)
    lowest = ops.full_like(values, -float("inf"))
    largest = ops.max(ops.where(mask, values, lowest), axis=1)
    value = ops.where(ops.any(mask, axis=1), largest, smallest)
    # TensorFlow Addons masks what is above the smallest with zeros, which is
    # less exact, but says who shares the gradient of equal distances.
    above = values - ops.expand_dims(smallest, 1)
    above = ops.max(above * ops.cast(mask, values.dtype), axis=1)
    return gradients.straight_through(value, above + smallest)


@keras.saving.register_keras_serializable(package="Addons")
class TripletHardLoss(BatchLoss):
    """Triplet loss of a batch, with hard positives and negatives.

    `mean over a of [D(a, p) - D(a, n) + margin]_+`, with p the farthest other
    sample of the anchor's class and n the nearest of another; or, with
    `soft=True`, `log(1 + exp(D(a, p) - D(a, n)))`, without margin. An anchor
    alone in its class has `D(a, p) = 0`; in a batch of one class `D(a, n)` is
    the anchor's largest distance.

    Args:
        margin: float. Defaults to `1.0`.
        soft: bool. Defaults to `False`.
        distance_metric: `"L2"`, `"squared-L2"`, `"angular"` (1 - cosine), or a
            function of `(N, d)` embeddings that returns `(N, N)` distances.
            Defaults to `"L2"`.
        name: str or None.
        reduction: has no effect on one number. Defaults to `"none"`.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class labels, any numbers; floats
            below 2^24.
        y_pred: `(N, d)` embeddings, of length 1 as a rule.
        sample_weight: the loss is multiplied by its mean;
            `kh.losses.TripletLoss` weighs anchors.

    Output shape:
        `()`

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.TripletHardLoss(soft=True)
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
    >>> round(float(loss(np.array([0, 0, 1]), x)), 4)
    0.4511

    Reference:
        `tensorflow_addons.losses.TripletHardLoss`, version 0.23, with its
        numbers, and In Defense of the Triplet Loss (2017),
        https://arxiv.org/abs/1703.07737. With `soft=True` TensorFlow Addons
        gives infinity, and gradients of NaN, for differences above 88.
    """

    def __init__(
        self,
        margin: float = 1.0,
        soft: bool = False,
        distance_metric: metrics.Metric = "L2",
        name: str | None = None,
        reduction: str | None = "none",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.margin = arguments.number("margin", margin)
        self.soft = arguments.flag("soft", soft)
        self.distance_metric = metrics.resolve(distance_metric)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return triplet_hard_loss(
            y_true, y_pred, self.margin, self.soft, self.distance_metric
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "soft": self.soft,
            "distance_metric": metrics.serialize(self.distance_metric),
        }
