"""Scale and shift of every channel."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ChannelAffine(keras.layers.Layer):
    """Multiplies every channel by a weight and adds another.

        output[..., c] = gamma[c] * input[..., c] + beta[c]

    This is what batch normalization becomes once its statistics are folded
    into scale and shift, as in Caffe's `Scale` layer and dlib's `affine`.
    Put it after a convolution of a network whose statistics are fixed.

    Args:
        gamma_initializer: Initializer of `gamma` `(channels,)`. Default:
            `"ones"`.
        beta_initializer: Initializer of `beta` `(channels,)`. Default:
            `"zeros"`.
        gamma_regularizer: Regularizer of `gamma`. Default: None.
        beta_regularizer: Regularizer of `beta`. Default: None.
        gamma_constraint: Constraint of `gamma`, such as
            `kh.constraints.ClipRange(0.0, 1.0)`. Default: None.
        beta_constraint: Constraint of `beta`. Default: None.
        **kwargs: As in `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor with the channels last.

    Input shape:
        `(..., channels)`, two dimensions or more.

    Output shape:
        The input's. The dtype is the layer's compute dtype.

    Raises:
        ValueError: When built on an input without a known number of
            channels.

    Example:

    >>> import numpy as np
    >>> import keras_hypersphere as kh
    >>> layer = kh.layers.ChannelAffine(gamma_initializer="ones")
    >>> output = layer(np.array([[1.0, 2.0]], "float32"))
    >>> layer.set_weights([np.array([2.0, 3.0]), np.array([0.0, 1.0])])
    >>> keras.ops.convert_to_numpy(layer(np.array([[1.0, 2.0]], "float32")))
    array([[2., 7.]], dtype=float32)

    Reference:
        - [Batch Normalization](https://arxiv.org/abs/1502.03167) (Ioffe and
          Szegedy, 2015), equation of the inference transform; here the two
          weights are trained directly.
    """

    def __init__(
        self,
        gamma_initializer: Any = "ones",
        beta_initializer: Any = "zeros",
        gamma_regularizer: Any = None,
        beta_regularizer: Any = None,
        gamma_constraint: Any = None,
        beta_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_regularizer = keras.regularizers.get(gamma_regularizer)
        self.beta_regularizer = keras.regularizers.get(beta_regularizer)
        self.gamma_constraint = keras.constraints.get(gamma_constraint)
        self.beta_constraint = keras.constraints.get(beta_constraint)

    def build(self, input_shape) -> None:
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                "`inputs` must have a batch dimension and a known number of "
                f"channels, last. Received: input_shape={tuple(input_shape)}"
            )
        self.gamma = self.add_weight(
            name="gamma",
            shape=(input_shape[-1],),
            initializer=self.gamma_initializer,
            regularizer=self.gamma_regularizer,
            constraint=self.gamma_constraint,
        )
        self.beta = self.add_weight(
            name="beta",
            shape=(input_shape[-1],),
            initializer=self.beta_initializer,
            regularizer=self.beta_regularizer,
            constraint=self.beta_constraint,
        )
        self.input_spec = keras.layers.InputSpec(
            min_ndim=2, axes={-1: input_shape[-1]}
        )
        self.built = True

    def call(self, inputs) -> keras.KerasTensor:
        gamma = ops.cast(self.gamma, self.compute_dtype)
        beta = ops.cast(self.beta, self.compute_dtype)
        return inputs * gamma + beta

    def compute_output_shape(self, input_shape) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "gamma_initializer": keras.initializers.serialize(
                self.gamma_initializer
            ),
            "beta_initializer": keras.initializers.serialize(
                self.beta_initializer
            ),
            "gamma_regularizer": keras.regularizers.serialize(
                self.gamma_regularizer
            ),
            "beta_regularizer": keras.regularizers.serialize(
                self.beta_regularizer
            ),
            "gamma_constraint": keras.constraints.serialize(
                self.gamma_constraint
            ),
            "beta_constraint": keras.constraints.serialize(
                self.beta_constraint
            ),
        }
