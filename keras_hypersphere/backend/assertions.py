"""Assertions inside of a traced step, where a backend has them."""

from typing import Any

import keras

from keras_hypersphere.backend import compilation

Tensor = Any


def require(condition: Tensor, message: str, x: Tensor) -> Tensor:
    """`x`; a graph of TensorFlow raises `message` unless `condition` holds.

    Steps that XLA compiles cannot raise: there, and on other backends, `x`
    is all that there is.
    """
    if keras.backend.backend() != "tensorflow":
        return x
    import tensorflow as tf

    if tf.executing_eagerly() or compilation.steps_are_compiled():
        return x
    assertion = tf.debugging.Assert(condition, [message])
    with tf.control_dependencies([assertion]):
        return tf.identity(x)
