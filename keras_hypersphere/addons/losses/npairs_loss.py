"""TensorFlow Addons' N-pairs loss."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.addons.losses import batch
from keras_hypersphere.addons.losses.batch_loss import BatchLoss
from keras_hypersphere.ops import class_ids

Tensor = Any


@keras.saving.register_keras_serializable(package="Addons")
def npairs_loss(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """N-pairs loss of a matrix of similarities.

    See `NpairsLoss`.

    Args:
        y_true: `(N,)` or `(N, 1)` class labels, any numbers; floats
            below 2^24.
        y_pred: `(N, N)` similarities of anchors and positives.

    Returns:
        Scalar, float32, or float64 for float64 similarities.

    Raises:
        ValueError: if a shape is not one of those above.

    Example:

    >>> loss = kh.addons.losses.npairs_loss([0, 1], [[2.0, 0.0], [0.0, 2.0]])
    >>> round(float(loss), 4)
    0.1269

    Reference:
        `tensorflow_addons.losses.npairs_loss`, version 0.23, which gives NaN
        for labels of shape `(N, 1)`, and the dtype of `y_pred` for half types.
    """
    y_pred = batch.matrix(y_pred, square=True)
    labels, wrong = class_ids.class_ranks(y_true, y_pred.shape[0])
    loss = shared_cross_entropy(batch.same_class(labels), y_pred)
    return batch.keep_nan(loss, y_pred, wrong)


def shared_cross_entropy(counts: Tensor, logits: Tensor) -> Tensor:
    """Mean cross-entropy of rows of (N, N) logits.

    The targets are `counts` divided by their sums, or zero where the sum is.
    """
    counts = ops.cast(counts, logits.dtype)
    total = ops.sum(counts, axis=1, keepdims=True)
    targets = counts / ops.where(total > 0, total, ops.ones_like(total))
    parts = -targets * ops.log_softmax(logits, axis=1)
    count = ops.maximum(ops.cast(ops.shape(logits)[0], logits.dtype), 1.0)
    return ops.sum(ops.sum(parts, axis=1) / count)


@keras.saving.register_keras_serializable(package="Addons")
class NpairsLoss(BatchLoss):
    """N-pairs loss of a matrix of similarities.

    `mean over i of -sum_j t_ij log softmax(s_i)_j`, with similarities s of N
    anchors and N positives (`keras.ops.matmul(a, keras.ops.transpose(b))`),
    and targets t equal for all j of i's class, zero elsewhere, that add up to
    1. As a rule all classes of a batch are different: j = i.

    Args:
        name: str. Defaults to `"npairs_loss"`.
        reduction: has no effect on one number. Defaults to `"none"`.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class labels, any numbers; floats
            below 2^24.
        y_pred: `(N, N)` similarities.
        sample_weight: the loss is multiplied by its mean.

    Output shape:
        `()`

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.NpairsLoss()
    >>> a = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> round(float(loss(np.arange(4), a @ a.T)), 4)
    0.2539

    Reference:
        `tensorflow_addons.losses.NpairsLoss`, version 0.23, with its numbers,
        and Improved Deep Metric Learning with Multi-class N-pair Loss
        Objective (2016), https://papers.nips.cc/paper/6200. In `fit`,
        TensorFlow Addons' gives NaN: Keras 2 makes labels `(N, 1)`.
    """

    def __init__(
        self,
        name: str | None = "npairs_loss",
        reduction: str | None = "none",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return npairs_loss(y_true, y_pred)
