"""One learned factor."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.constraints.clip_range import ClipRange
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import gradients


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ScalarScale(UpcastLayer):
    """Multiplies its inputs by one learned number.

    `y = clip(s, low, high) * x`, with the gradient of `s * x`: the clip
    masks nothing, so a scale at its limit can come back.

    Put it behind cosines, before a softmax cross-entropy from logits: cosines
    alone cannot be fitted. `CosineDense(learn_scale=True)` is the same in one
    layer.

    Args:
        initial: float, where the scale starts; NormFace starts at 10, or 4
            next to a second loss. Defaults to `1.0`.
        range: pair (minimum, maximum) of floats, either of which may be
            None, between which the scale is kept: a constraint clips what
            is stored after each update, and a loaded value outside counts
            as the nearest limit. Defaults to `(None, None)`, free; NormFace
            was trained with `(0.01, None)`.

    Call arguments:
        inputs: float tensor.

    Input shape:
        Any shape.

    Output shape:
        The input's.

    dtype: float32 under half policies, since scaled cosines are logits;
    float64 under float64.

    Raises:
        ValueError: if an argument is not a number, the limits are in the
            wrong order, or `initial` lies outside of them.

    Example:

    >>> layer = kh.layers.ScalarScale(10.0, range=(0.01, None))
    >>> [float(v) for v in layer(keras.ops.array([0.5, -0.25]))]
    [5.0, -2.5]

    Reference:
        NormFace: L2 Hypersphere Embedding for Face Verification (2017),
        https://arxiv.org/abs/1704.06369, and its Caffe layer `Scale` with
        `num_axes: 0`, `min_value` and `max_value`. There the stored value is
        clipped as the next forward begins, here as the update ends.
    """

    def __init__(
        self,
        initial: float = 1.0,
        range: tuple[float | None, float | None] = (None, None),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.range = arguments.limits("range", range)
        self.initial = arguments.number("initial", initial)
        low, high = self.range
        if self.initial != self._clip(self.initial):
            raise ValueError(
                f"`initial` must lie within `range`=({low}, {high}). "
                f"Received: initial={initial}; widen the range or move the "
                "start."
            )

    def build(self, input_shape) -> None:
        low, high = self.range
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=keras.initializers.Constant(self.initial),
            constraint=None if low is high is None else ClipRange(low, high),
        )
        self.built = True

    def call(self, inputs) -> Any:
        scale = ops.cast(self.scale, self.upcast_dtype)
        if self.scale.constraint is not None:
            scale = gradients.straight_through(
                self.scale.constraint(scale), scale
            )
        return self.upcast(inputs) * scale

    def _clip(self, value) -> float:
        low, high = self.range
        value = value if low is None else max(value, low)
        return value if high is None else min(value, high)

    def compute_output_shape(self, input_shape) -> tuple:
        return tuple(input_shape)

    def compute_output_spec(self, inputs) -> Any:
        return keras.KerasTensor(inputs.shape, dtype=self.upcast_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial": self.initial,
            "range": self.range,
        }
