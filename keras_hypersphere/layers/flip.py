"""Mirrored images."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class Flip(keras.layers.Layer):
    """Reverses images left to right, top to bottom, or both.

    `y[n, i, j, c] = x[n, i', j', c]`, with `j' = W - 1 - j` for `width` and
    `i' = H - 1 - i` for `height`; an axis that is not flipped stays.

    It always flips, in training and in prediction; for random flips as
    augmentation take `keras.layers.RandomFlip`. For the features of a face
    and its mirror image take `kh.layers.FlipConcat`.

    Args:
        width: bool, whether to reverse the columns. Defaults to `True`.
        height: bool, whether to reverse the rows. Defaults to `False`.

    Call arguments:
        inputs: tensor of images, channels last.

    Input shape:
        `(..., height, width, channels)`, rank 4 or more.

    Output shape:
        The input's.

    dtype: floats come out in the compute dtype of the policy, integers as
    they are.

    Raises:
        ValueError: if an argument is not a bool, or the inputs have fewer
            than four dimensions.

    Example:

    >>> x = keras.ops.reshape(keras.ops.arange(4.0), (1, 2, 2, 1))
    >>> y = kh.layers.Flip()(x)
    >>> [float(v) for v in keras.ops.ravel(y)]
    [1.0, 0.0, 3.0, 2.0]

    Reference:
        Layer `Flip` of NormFace's Caffe (2017),
        https://github.com/happynear/caffe-windows/tree/ms, for channels
        last instead of channels first.
    """

    def __init__(
        self, width: bool = True, height: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.width = arguments.flag("width", width)
        self.height = arguments.flag("height", height)

    def build(self, input_shape) -> None:
        if len(input_shape) < 4:
            raise ValueError(
                "`inputs` must be images of shape (N, height, width, "
                f"channels). Received: inputs.shape={tuple(input_shape)}; "
                "add the missing axes with `keras.ops.expand_dims`."
            )
        self.built = True

    def call(self, inputs) -> Any:
        # One axis at a time: older Keras takes no tuple.
        for axis, flipped in ((-2, self.width), (-3, self.height)):
            if flipped:
                inputs = ops.flip(inputs, axis=axis)
        return inputs

    def compute_output_shape(self, input_shape) -> tuple:
        return tuple(input_shape)

    def compute_output_spec(self, inputs) -> Any:
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if "float" in dtype and self.autocast:
            dtype = self.compute_dtype
        return keras.KerasTensor(inputs.shape, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "width": self.width,
            "height": self.height,
        }
