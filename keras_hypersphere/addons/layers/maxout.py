"""TensorFlow Addons' maxout over channels."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments


@keras.saving.register_keras_serializable(package="Addons")
class Maxout(keras.layers.Layer):
    """Largest of every `num_units`-th channel.

    `y_u = max over p of x_(p * num_units + u)` along one axis, for
    `u < num_units`. It has no weights: a `Dense(k * num_units)` before it makes
    what `kh.layers.Maxout(num_units, pieces=k)` is in one.

    Args:
        num_units: int, size of the axis behind the layer. The size before it
            must be a multiple.
        axis: int. Defaults to `-1`.

    Call arguments:
        inputs: tensor.

    Input shape:
        Any; sizes may be unknown.

    Output shape:
        The input's, with `num_units` at `axis`.

    dtype: the compute dtype of the policy.

    Raises:
        ValueError: if `num_units` is not an integer of at least 1, `axis` is
            no axis of the inputs, or their size along it no multiple.

    Example:

    >>> x = keras.ops.array([[1.0, 2.0, 3.0, 10.0, 5.0, 6.0]])
    >>> [float(v) for v in kh.addons.layers.Maxout(2)(x)[0]]
    [5.0, 10.0]

    Reference:
        `tensorflow_addons.layers.Maxout`, version 0.23, with its numbers, and
        Maxout Networks (2013), https://arxiv.org/abs/1302.4389.
    """

    def __init__(self, num_units: int, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_units = arguments.positive_integer("num_units", num_units)
        self.axis = arguments.integer("axis", axis)

    def build(self, input_shape) -> None:
        self._place(input_shape)
        self.built = True

    def call(self, inputs) -> Any:
        axis = self._place(inputs.shape)
        shape = list(ops.shape(inputs))
        shape[axis : axis + 1] = [shape[axis] // self.num_units, self.num_units]
        return ops.max(ops.reshape(inputs, shape), axis=axis)

    def compute_output_shape(self, input_shape) -> tuple:
        shape = list(input_shape)
        shape[self._place(shape)] = self.num_units
        return tuple(shape)

    def _place(self, shape) -> int:
        """The axis, counted from the front, of a shape that fits."""
        shape = tuple(shape)
        axis = self.axis + len(shape) if self.axis < 0 else self.axis
        if not 0 <= axis < len(shape):
            raise ValueError(
                "`axis` must be an axis of the inputs. "
                f"Received: axis={self.axis}, inputs.shape={shape}."
            )
        if shape[axis] is not None and shape[axis] % self.num_units:
            raise ValueError(
                "`inputs` must have a number of features that is a multiple "
                f"of num_units={self.num_units} along axis {self.axis}. "
                f"Received: inputs.shape={shape}; give the layer before it "
                f"{self.num_units} times the number of pieces."
            )
        return axis

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_units": self.num_units,
            "axis": self.axis,
        }
