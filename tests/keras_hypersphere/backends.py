"""What tests need of a backend and Keras has no word for."""

import contextlib

import keras


def float64():
    """Where float64 exists: on JAX only inside of this."""
    if keras.config.backend() != "jax":
        return contextlib.nullcontext()
    import jax
    import jax.experimental

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return jax.experimental.enable_x64()


def compiled(function):
    """A function of tensors by XLA; as it is on PyTorch, which has none."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    if backend == "jax":
        import jax

        return jax.jit(function)
    return function
