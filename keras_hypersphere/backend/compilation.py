"""Functions that are compiled or traced, and whether one is being so."""

import functools
import platform
from collections.abc import Callable
from typing import Any

import keras

Tensor = Any

# Of fewer numbers, compiling takes longer than it saves in a thousand steps.
LARGE = 2**16


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors that is traced once and then runs as a graph.

    PyTorch has no graphs: there it is the function itself.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if backend == "jax":
        import jax

        return jax.jit(function)
    return function


def compiled_loops(*static: str) -> Callable[[Callable], Callable]:
    """Decorates a function of tensors that has loops.

    Outside of `jax.jit`, JAX compiles the loops of every call anew. There the
    function is compiled instead, once for each value of its `static`
    arguments and each shape of the others. In a graph of TensorFlow that XLA
    does not compile, the function is compiled by itself if its first argument
    is `LARGE`: its steps then cost no more than their arithmetic.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.cache
        def compiled() -> Callable[..., Any]:
            import jax

            return jax.jit(function, static_argnames=static)

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            if keras.backend.backend() == "jax":
                return compiled()(*args, **kwargs)
            call = functools.partial(function, *args, **kwargs)
            if _only_parts_can_be_compiled():
                return _compiled_if_large(call, args[0])
            return call()

        return run

    return decorate


def steps_are_compiled() -> bool:
    """Whether XLA compiles what is being traced.

    Then the steps of a loop cost no more than their arithmetic.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.backend.backend() == "jax"
    import tensorflow as tf

    try:
        from tensorflow.python.ops import control_flow_util

        in_xla = control_flow_util.GraphOrParentsInXlaContext
    except (ImportError, AttributeError):
        # TensorFlow has no public name for it; both ways are right.
        return False
    return not tf.executing_eagerly() and in_xla(
        tf.compat.v1.get_default_graph()
    )


def _only_parts_can_be_compiled() -> bool:
    """Whether a graph is traced that XLA is there for, but does not compile."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    if tf.executing_eagerly() or steps_are_compiled():
        return False
    # As in Keras: XLA does not know the GPUs of Macs.
    on_mac = platform.system() == "Darwin"
    return not (on_mac and tf.config.list_physical_devices("GPU"))


def _compiled_if_large(call: Callable[[], Any], x: Tensor) -> Any:
    import tensorflow as tf

    compiled = tf.function(call, jit_compile=True)
    size = x.shape.num_elements()
    if size is None:
        return tf.cond(tf.size(x) >= LARGE, compiled, call)
    return compiled() if size >= LARGE else call()
