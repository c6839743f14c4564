"""Functions that are compiled or traced, and whether one is being so."""

import functools
from collections.abc import Callable
from typing import Any

import keras

Tensor = Any


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
    arguments and each shape of the others.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.cache
        def compiled() -> Callable[..., Any]:
            import jax

            return jax.jit(function, static_argnames=static)

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            on_jax = keras.backend.backend() == "jax"
            return (compiled() if on_jax else function)(*args, **kwargs)

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
