"""Weights that stay in a range."""

from typing import Any

import keras

from keras_hypersphere.ops import bounds


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ClipRange(keras.constraints.Constraint):
    """Clips weights to a range after each update.

    `w <- min(max(w, minimum), maximum)`; None leaves a side open.

    Args:
        minimum: float or None. Defaults to None.
        maximum: float or None. Defaults to None.

    Raises:
        ValueError: If `minimum` is above `maximum`.

    Example:

    >>> constraint = kh.constraints.ClipRange(0.01)
    >>> round(float(constraint(keras.ops.array(-2.0))), 4)
    0.01

    Reference:
        `min_value` and `max_value` of Scale in NormFace's Caffe (2017),
        https://github.com/happynear/caffe-windows/tree/ms. Caffe clips as
        the next forward begins, we as the update ends.
    """

    def __init__(
        self, minimum: float | None = None, maximum: float | None = None
    ) -> None:
        if minimum is not None and maximum is not None and minimum > maximum:
            raise ValueError(
                "`minimum` must not exceed `maximum`. "
                f"Received: minimum={minimum}, maximum={maximum}."
            )
        self.minimum = minimum
        self.maximum = maximum

    def __call__(self, w: Any) -> Any:
        # Keras hands over the variable, which JAX's functions refuse.
        w = keras.ops.convert_to_tensor(w)
        if self.minimum is not None:
            w = bounds.at_least(w, self.minimum)
        if self.maximum is not None:
            w = bounds.at_most(w, self.maximum)
        return w

    def get_config(self) -> dict[str, Any]:
        return {"minimum": self.minimum, "maximum": self.maximum}
