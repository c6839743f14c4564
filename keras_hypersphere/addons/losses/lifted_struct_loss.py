"""TensorFlow Addons' lifted structured loss."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.addons.losses import batch
from keras_hypersphere.addons.losses.batch_loss import BatchLoss
from keras_hypersphere.mining.pairwise_distance import pairwise_distance
from keras_hypersphere.ops import class_ids

Tensor = Any


@keras.saving.register_keras_serializable(package="Addons")
def lifted_struct_loss(
    labels: Tensor, embeddings: Tensor, margin: float = 1.0
) -> Tensor:
    """Lifted structured loss of a batch.

    See `LiftedStructLoss`.

    Args:
        labels: `(N,)` or `(N, 1)` class labels, any numbers; floats
            below 2^24.
        embeddings: `(N, d)`, not normalized as a rule.
        margin: float. Defaults to `1.0`.

    Returns:
        Scalar, float32, or float64 for float64 embeddings.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.lifted_struct_loss(
    ...     [0, 0, 1], [[0.0], [1.0], [3.0]])
    >>> round(float(loss), 4)
    0.0491

    Reference:
        `tensorflow_addons.losses.lifted_struct_loss`, version 0.23, which
        gives NaN without positives or without negatives, the dtype of
        `embeddings` for half types, and needs memory for N^3 numbers.
    """
    margin = arguments.number("margin", margin)
    x = batch.matrix(embeddings)
    labels, wrong = class_ids.class_ranks(labels, x.shape[0])
    if x.shape[0] == 0:
        return ops.sum(x)
    distances = pairwise_distance(x, distance="l2")
    same = batch.same_class(labels)
    positive = same & batch.other_samples(labels)
    # Without negatives every entry is taken, and nothing of it is kept.
    learns = ops.logical_not(ops.all(same))
    taken = ops.logical_not(same & learns)
    lowest = ops.full_like(distances, -float("inf"))
    pushes = ops.logsumexp(ops.where(taken, margin - distances, lowest), axis=1)
    # The negatives of both samples of a pair, in one logarithm. Not by
    # `logaddexp`, which rounds float64 to float32 on JAX and PyTorch.
    gaps = ops.expand_dims(pushes, 1) - pushes
    both = pushes + ops.softplus(gaps) + distances
    kept = positive & learns & (both > 0)
    squares = ops.square(ops.where(kept, both, ops.zeros_like(both)))
    pairs = ops.sum(ops.cast(positive, squares.dtype))
    # Each pair is there twice; half of the square of each.
    loss = 0.5 * ops.sum(squares) / ops.maximum(pairs, 1.0)
    return batch.keep_nan(loss, x, wrong)


@keras.saving.register_keras_serializable(package="Addons")
class LiftedStructLoss(BatchLoss):
    """Lifted structured loss of a batch.

    `mean over (i, j) of [J_ij]_+^2 / 2` over the pairs of a class, with
    `J_ij = D_ij + log(sum_k exp(margin - D_ik) + sum_l exp(margin - D_jl))`,
    D the distance, k the samples of other classes than i's, l those of other
    classes than j's.

    Args:
        margin: float. Defaults to `1.0`.
        name: str or None.
        reduction: has no effect on one number. Defaults to `"none"`.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class labels, any numbers; floats
            below 2^24.
        y_pred: `(N, d)` embeddings, not normalized as a rule.
        sample_weight: the loss is multiplied by its mean.

    Output shape:
        `()`; zero without a pair of one class or of two classes.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.LiftedStructLoss(margin=2.0)
    >>> x = np.array([[0.0], [1.0], [3.0]])
    >>> round(float(loss(np.array([0, 0, 1]), x)), 4)
    0.8623

    Reference:
        `tensorflow_addons.losses.LiftedStructLoss`, version 0.23, with its
        numbers, and Deep Metric Learning via Lifted Structured Feature
        Embedding (2015), https://arxiv.org/abs/1511.06452. TensorFlow Addons
        gives NaN without a pair of one class or of two classes, and needs
        memory for N^3 numbers; here N^2.
    """

    def __init__(
        self,
        margin: float = 1.0,
        name: str | None = None,
        reduction: str | None = "none",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.margin = arguments.number("margin", margin)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return lifted_struct_loss(y_true, y_pred, self.margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}
