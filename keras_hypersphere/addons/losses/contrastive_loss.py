"""TensorFlow Addons' contrastive loss of given pairs."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.ops import gradients

Tensor = Any


@keras.saving.register_keras_serializable(package="Addons")
def contrastive_loss(
    y_true: Tensor, y_pred: Tensor, margin: float = 1.0
) -> Tensor:
    """Contrastive losses of pairs, from their distances.

    See `ContrastiveLoss`.

    Args:
        y_true: 1 for pairs of one class, 0 for others; shaped as `y_pred`,
            or `(N,)` for `(N, 1)` and the other way round.
        y_pred: distances of the pairs, `(N,)` as a rule.
        margin: float. Defaults to `1.0`.

    Returns:
        One value a pair, shaped as `y_pred`; float32, or float64 for float64
        distances.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> losses = kh.addons.losses.contrastive_loss([1, 0], [0.5, 0.5])
    >>> [float(value) for value in losses]
    [0.25, 0.25]

    Reference:
        `tensorflow_addons.losses.contrastive_loss`, version 0.23, which
        compares each of `(N,)` labels with each of `(N, 1)` distances, and
        gives the dtype of `y_pred` for half types.
    """
    margin = arguments.number("margin", margin)
    y_pred = gradients.at_least_float32(ops.convert_to_tensor(y_pred))
    same = ops.cast(ops.convert_to_tensor(y_true), y_pred.dtype)
    shapes = tuple(same.shape), tuple(y_pred.shape)
    if not _alike(*shapes):
        raise ValueError(
            "`y_true` must have one flag for each distance in `y_pred`. "
            f"Received: y_true.shape={shapes[0]}, y_pred.shape={shapes[1]}."
        )
    same = ops.reshape(same, ops.shape(y_pred))
    apart = ops.square(ops.maximum(margin - y_pred, 0.0))
    return same * ops.square(y_pred) + (1.0 - same) * apart


def _alike(a: tuple, b: tuple) -> bool:
    """Whether shapes are the same, up to a last axis of 1."""
    if len(a) < len(b):
        a, b = b, a
    if len(a) == len(b) + 1 and a[-1] == 1:
        a = a[:-1]
    return len(a) == len(b) and all(
        None in (x, y) or x == y for x, y in zip(a, b, strict=True)
    )


@keras.saving.register_keras_serializable(package="Addons")
class ContrastiveLoss(keras.losses.Loss):
    """Contrastive loss of pairs, from their distances.

    `y D^2 + (1 - y) max(0, margin - D)^2`, with the distance D of a pair, and
    y = 1 if it is of one class, 0 if not. For all pairs of a batch, from
    class labels, there is `kh.losses.PairContrastiveLoss`.

    Args:
        margin: float. Defaults to `1.0`.
        reduction: as in Keras. Defaults to `"sum_over_batch_size"`.
        name: str. Defaults to `"contrastive_loss"`.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: 1 for pairs of one class, 0 for others; shaped as `y_pred`,
            or `(N,)` for `(N, 1)` and the other way round.
        y_pred: distances of the pairs, `(N,)` or `(N, 1)`.

    Output shape:
        `()`; that of `y_pred` with `reduction=None`.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.ContrastiveLoss(margin=2.0)
    >>> round(float(loss(np.array([1, 0]), np.array([0.5, 0.5]))), 4)
    1.25

    Reference:
        `tensorflow_addons.losses.ContrastiveLoss`, version 0.23, with its
        numbers, and Dimensionality Reduction by Learning an Invariant Mapping
        (2006), https://doi.org/10.1109/CVPR.2006.100, which halves them.
    """

    def __init__(
        self,
        margin: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "contrastive_loss",
        dtype: Any = None,
    ) -> None:
        policy = keras.dtype_policies.get(dtype or keras.config.floatx())
        wide = "float64" if policy.compute_dtype == "float64" else "float32"
        super().__init__(name=name, reduction=reduction, dtype=wide)
        self.margin = arguments.number("margin", margin)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        y_pred = gradients.upcast(ops.convert_to_tensor(y_pred), self.dtype)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return contrastive_loss(y_true, y_pred, self.margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}
