"""Dense layer that takes the largest of several linear pieces."""

import functools
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import products
from keras_hypersphere.ops.larger import larger
from keras_hypersphere.ops.narrowing import narrow


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class Maxout(UpcastLayer):
    """Dense layer whose outputs are maxima over linear pieces.

    `y_j = max over p < pieces of (x.w_(p * units + j) + b_(p * units + j))`,
    with `w_c` column `c` of a kernel `(d, pieces * units)`. With two pieces
    it is `Dense(2 * units)` followed by `MaxFeatureMap()`.

    It needs no activation behind it. FaceNet's NN1 has two of 4,096 units.

    Args:
        units: int, number of outputs.
        pieces: int, number of linear pieces. Defaults to `2`; 1 is a plain
            dense layer.
        use_bias: bool. Defaults to `True`.
        kernel_initializer: Defaults to `"glorot_uniform"`, as in
            `keras.layers.Dense`.
        bias_initializer: Defaults to `"zeros"`.
        kernel_regularizer: Defaults to None.
        bias_regularizer: Defaults to None.

    Call arguments:
        inputs: float tensor.

    Input shape:
        `(..., d)`, rank 2 or more.

    Output shape:
        `(..., units)`

    dtype: computed in float32 under half policies, then cast to the compute
    dtype.

    Raises:
        ValueError: if `units` or `pieces` is not an integer of at least 1,
            or the size of the last axis is unknown.

    Example:

    >>> layer = kh.layers.Maxout(1, pieces=2, kernel_initializer="ones")
    >>> y = layer(keras.ops.array([[1.0, 2.0]]))
    >>> float(y[0, 0]), tuple(layer.kernel.shape)
    (3.0, (2, 2))

    Reference:
        Maxout Networks (2013), https://arxiv.org/abs/1302.4389; used in
        FaceNet (2015), https://arxiv.org/abs/1503.03832, table 1. The
        layer `Maxout` of TensorFlow Addons, `kh.addons.layers.Maxout`, has
        no weights; behind a dense layer it is this one.
    """

    def __init__(
        self,
        units: int,
        pieces: int = 2,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = arguments.positive_integer("units", units)
        self.pieces = arguments.positive_integer("pieces", pieces)
        self.use_bias = arguments.flag("use_bias", use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)

    def build(self, input_shape) -> None:
        size = self.pieces * self.units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(arguments.feature_size(input_shape), size),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(size,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
            )
        self.built = True

    def call(self, inputs) -> Any:
        kernel = ops.cast(self.kernel, self.upcast_dtype)
        linear = products.matmul(self.upcast(inputs), kernel)
        if self.use_bias:
            linear = linear + ops.cast(self.bias, self.upcast_dtype)
        pieces = ops.split(linear, self.pieces, axis=-1)
        return narrow(functools.reduce(larger, pieces), self.compute_dtype)

    def compute_output_shape(self, input_shape) -> tuple:
        return (*tuple(input_shape)[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "bias_initializer": keras.initializers.serialize(
                self.bias_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
            "bias_regularizer": keras.regularizers.serialize(
                self.bias_regularizer
            ),
        }
