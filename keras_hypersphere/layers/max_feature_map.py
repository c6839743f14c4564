"""The activation of LightCNN."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.ops.larger import larger


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class MaxFeatureMap(keras.layers.Layer):
    """Halves the channels, keeping the larger of each pair (MFM).

    `y_c = max(x_c, x_(c + C/2))` for `c < C/2`: the first half of the
    channels competes with the second half.

    It stands where other networks have a ReLU: behind a convolution or a
    dense layer with twice the wanted number of channels.

    Args:
        axis: int, the axis that is halved. Defaults to `-1`, the channels.

    Call arguments:
        inputs: tensor.

    Input shape:
        Any shape of rank 2 or more whose size along `axis` is known and
        even.

    Output shape:
        The input's, halved along `axis`.

    dtype: the compute dtype of the policy.

    Raises:
        ValueError: if `axis` is not an axis of the inputs other than the
            batch, or the size along it is unknown or odd.

    Example:

    >>> x = keras.ops.array([[1.0, 5.0, 3.0, 2.0]])
    >>> [float(v) for v in kh.layers.MaxFeatureMap()(x)[0]]
    [3.0, 5.0]

    Reference:
        A Light CNN for Deep Face Representation with Noisy Labels (2015),
        https://arxiv.org/abs/1511.02683. Where the two halves tie, the
        gradient goes to the second, as in the Caffe networks (`Slice`, then
        `Eltwise` MAX).
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = arguments.integer("axis", axis)
        # Halving another axis would need a shorter mask.
        self.supports_masking = self.axis == -1

    def build(self, input_shape) -> None:
        self._halved(input_shape)
        self.built = True

    def call(self, inputs) -> Any:
        return larger(*ops.split(inputs, 2, axis=self.axis))

    def compute_output_shape(self, input_shape) -> tuple:
        return self._halved(input_shape)

    def _halved(self, shape) -> tuple:
        shape = list(shape)
        axis = self.axis + len(shape) if self.axis < 0 else self.axis
        if not 0 < axis < len(shape):
            raise ValueError(
                "`axis` must be an axis of the inputs other than the batch. "
                f"Received: axis={self.axis}, inputs.shape={tuple(shape)}."
            )
        if shape[axis] is None or shape[axis] % 2:
            raise ValueError(
                "`inputs` must have a known, even size along axis "
                f"{self.axis}. Received: inputs.shape={tuple(shape)}; give "
                "the layer before it an even number of channels."
            )
        shape[axis] //= 2
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
