"""TensorFlow Addons' N-pairs loss for samples of several classes."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.addons.losses import batch
from keras_hypersphere.addons.losses.batch_loss import BatchLoss
from keras_hypersphere.addons.losses.npairs_loss import shared_cross_entropy

Tensor = Any


@keras.saving.register_keras_serializable(package="Addons")
def npairs_multilabel_loss(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """N-pairs loss of similarities, for samples of several classes.

    See `NpairsMultilabelLoss`.

    Args:
        y_true: `(N, C)` tensor of 0 and 1, or a sparse tensor of the backend.
        y_pred: `(N, N)` similarities of anchors and positives.

    Returns:
        Scalar, float32, or float64 for float64 similarities.

    Raises:
        ValueError: if a shape is not one of those above.

    Example:

    >>> loss = kh.addons.losses.npairs_multilabel_loss(
    ...     [[1, 1], [0, 1]], [[2.0, 0.0], [0.0, 2.0]])
    >>> round(float(loss), 4)
    0.9603

    Reference:
        `tensorflow_addons.losses.npairs_multilabel_loss`, version 0.23, which
        gives NaN if a sample has no class, and the dtype of `y_pred` for half
        types.
    """
    y_pred = batch.matrix(y_pred, square=True)
    # Sparse tensors become dense: their product is dense anyway.
    classes = ops.convert_to_tensor(y_true, sparse=False)
    shape, rows = tuple(classes.shape), y_pred.shape[0]
    if len(shape) != 2 or (None not in (shape[0], rows) and shape[0] != rows):
        raise ValueError(
            f"`y_true` must be a matrix of 0 and 1, one row for each of the "
            f"{rows} samples and one column a class. Received: "
            f"y_true.shape={shape}; for class indices, use `NpairsLoss`."
        )
    classes = ops.cast(classes, y_pred.dtype)
    shared = ops.matmul(classes, ops.transpose(classes))
    return batch.keep_nan(shared_cross_entropy(shared, y_pred), y_pred, None)


@keras.saving.register_keras_serializable(package="Addons")
class NpairsMultilabelLoss(BatchLoss):
    """N-pairs loss of similarities, for samples of several classes.

    `mean over i of -sum_j t_ij log softmax(s_i)_j`, with similarities s of N
    anchors and N positives (`keras.ops.matmul(a, keras.ops.transpose(b))`),
    and targets t proportional to the number of classes that i and j share,
    adding up to 1. A sample without class has no loss.

    Args:
        name: str. Defaults to `"npairs_multilabel_loss"`.
        reduction: has no effect on one number. Defaults to `"none"`.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N, C)` tensor of 0 and 1, or a sparse tensor of the backend.
        y_pred: `(N, N)` similarities.
        sample_weight: the loss is multiplied by its mean.

    Output shape:
        `()`

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.NpairsMultilabelLoss()
    >>> a = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> y = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]])
    >>> round(float(loss(y, a @ a.T)), 4)
    1.4205

    Reference:
        `tensorflow_addons.losses.NpairsMultilabelLoss`, version 0.23, with
        its numbers, and Improved Deep Metric Learning with Multi-class N-pair
        Loss Objective (2016), https://papers.nips.cc/paper/6200. TensorFlow
        Addons gives NaN if a sample has no class.
    """

    def __init__(
        self,
        name: str | None = "npairs_multilabel_loss",
        reduction: str | None = "none",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return npairs_multilabel_loss(y_true, y_pred)
