"""Vectors onto the unit sphere."""

from typing import Any

import keras

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import gradients, sphere


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class NormalizeLayer(UpcastLayer):
    """Divides vectors by their length.

    `y = x / r`, with `r = sqrt(sum(x^2) + epsilon)` for `norm="l2"` and
    `r = sum(|x|) + epsilon` for `norm="l1"`; sums run over `axis`.

    Put it behind the last dense layer of a backbone. Vectors of any float32
    scale keep their direction down to lengths of about `sqrt(epsilon)`; the
    zero vector stays zero, with a finite gradient.

    Args:
        axis: int, the axis along which vectors lie. Defaults to `-1`.
        norm: `"l2"` or `"l1"`. Defaults to `"l2"`.
        epsilon: float >= 0. Defaults to `1e-12`, that of the GPU code that
            NormFace was trained with.
        gradient: `"exact"`, the derivative, or `"fixed"`, which skips its
            division by `r`: `g - y (y.g)` (l2), `g - sign(x) (y.g)` (l1).
            Defaults to `"exact"`.
        return_norm: bool, whether to return `(y, r)`. Defaults to `False`.
        norm_gradient: bool, whether a gradient flows back through the
            returned `r`. Defaults to `True`.

    Call arguments:
        inputs: float tensor.

    Input shape:
        Any shape of rank 1 or more.

    Output shape:
        That of the inputs; `r` has size 1 along `axis`.

    dtype: computed in float32 under half policies (float64 under float64).
    `y` has the compute dtype of the policy; `r` stays in float32, since a
    length may exceed what float16 holds.

    Raises:
        ValueError: if an argument is not one of those above.

    Example:

    >>> layer = kh.layers.NormalizeLayer(return_norm=True)
    >>> y, r = layer(keras.ops.array([[3.0, 4.0]]))
    >>> [round(float(v), 4) for v in y[0]], round(float(r[0, 0]), 4)
    ([0.6, 0.8], 5.0)

    Reference:
        NormFace: L2 Hypersphere Embedding for Face Verification (2017),
        https://arxiv.org/abs/1704.06369, and its Caffe layer `Normalize`,
        where `norm_gradient` is `bp_norm`, off by default, `"fixed"` is
        `fix_gradient`, and the axis is always that of the channels.
    """

    def __init__(
        self,
        axis: int = -1,
        norm: str = "l2",
        epsilon: float = 1e-12,
        gradient: str = "exact",
        return_norm: bool = False,
        norm_gradient: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise ValueError(
                "`axis` must be one integer. "
                f"Received: axis={axis!r}; pass -1 for the last axis."
            )
        self.axis = axis
        self.norm = arguments.choice("norm", norm, ("l2", "l1"))
        self.epsilon = arguments.number("epsilon", epsilon, minimum=0.0)
        self.gradient = arguments.choice(
            "gradient", gradient, ("exact", "fixed")
        )
        self.return_norm = arguments.flag("return_norm", return_norm)
        self.norm_gradient = arguments.flag("norm_gradient", norm_gradient)

    def build(self, inputs_shape) -> None:
        rank = len(inputs_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"`axis` must be an axis of the inputs, of shape "
                f"{tuple(inputs_shape)}. Received: axis={self.axis}."
            )
        self.built = True

    def call(self, inputs) -> Any:
        x = self.upcast(inputs)
        unit, length = sphere.normalize(x, self.axis, self.norm, self.epsilon)
        if self.gradient == "fixed":
            constant = keras.ops.stop_gradient(length)
            unit = gradients.straight_through(unit, constant * unit)
        unit = keras.ops.cast(unit, self.compute_dtype)
        if not self.return_norm:
            return unit
        if not self.norm_gradient:
            length = keras.ops.stop_gradient(length)
        return unit, length

    def compute_output_shape(self, inputs_shape) -> Any:
        shape = tuple(inputs_shape)
        if not self.return_norm:
            return shape
        length = list(shape)
        length[self.axis] = 1
        return shape, tuple(length)

    def compute_output_spec(self, inputs) -> Any:
        shapes = self.compute_output_shape(inputs.shape)
        if not self.return_norm:
            return keras.KerasTensor(shapes, dtype=self.compute_dtype)
        return (
            keras.KerasTensor(shapes[0], dtype=self.compute_dtype),
            keras.KerasTensor(shapes[1], dtype=self.upcast_dtype),
        )

    def compute_mask(self, inputs, previous_mask) -> Any:
        return (previous_mask, None) if self.return_norm else previous_mask

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "norm": self.norm,
            "epsilon": self.epsilon,
            "gradient": self.gradient,
            "return_norm": self.return_norm,
            "norm_gradient": self.norm_gradient,
        }
