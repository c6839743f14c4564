"""What `keras.ops` has no word for: replicas, derivatives, `tf.data`.

The only file of the core that names a backend. Sums and gathers run over the
replicas of a `tf.distribute` strategy; everywhere else (one device, another
backend, building a model under `strategy.scope()`) each is the identity.
JAX's `keras.distribution` needs none of this: there, one program sees the
whole batch.

Keras divides losses by the number of replicas and sums their gradients, so a
replica's mean counts the same whatever the number of its samples.
`batch_mean` gives the mean of the whole batch instead, and a gradient that
comes out right after what Keras does to it.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.ops import gradients

Tensor = Any


def replica_count() -> int:
    """Number of replicas that run this step together."""
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def replica_index() -> int:
    """Which of the replicas this is, from 0."""
    context = _context()
    if context is None:
        return 0
    import tensorflow as tf

    return int(tf.get_static_value(context.replica_id_in_sync_group))


def sum_over_replicas(x: Tensor) -> Tensor:
    """Adds up tensors of one shape; no gradient flows back."""
    context = _context()
    if context is None:
        return x
    return context.all_reduce("SUM", ops.stop_gradient(x))


def gather_over_replicas(x: Tensor) -> tuple[Tensor, Tensor | int]:
    """Rows of all replicas in order, and which of them is our first.

    Replicas may hold different numbers of rows, or none. The gradient of a
    gathered row flows back to the replica that it came from.
    """
    context = _context()
    if context is None:
        return x, 0
    import tensorflow as tf

    # Collectives of integers are not on every device. What comes straight
    # from a data set has no device, which several workers ask for.
    dtype = keras.backend.standardize_dtype(x.dtype)
    wide = dtype if "float" in dtype else "float64"
    placed = tf.identity(ops.cast(x, wide))
    rows = ops.cast(context.all_gather(placed, axis=0), dtype)
    size = ops.reshape(ops.cast(ops.shape(x)[0], "float32"), (1,))
    sizes = context.all_gather(size, axis=0)
    first = ops.sum(sizes[: replica_index()])
    return rows, ops.cast(first, "int32")


def global_batch_size(local: Tensor | int) -> Tensor | int:
    """Number of samples of all replicas."""
    if replica_count() == 1:
        return local
    return sum_over_replicas(ops.cast(local, "float32"))


def batch_mean(total: Tensor, count: Tensor | int) -> Tensor:
    """Mean over the samples of all replicas; zero without any.

    `total` is the sum over the `count` samples of this replica, or over
    weights that add up to `count`, which may be below 1. Each replica gets
    the same mean, so what Keras logs is right for uneven batches too.
    """
    count = ops.cast(count, total.dtype)
    replicas = replica_count()
    if replicas == 1:
        return total / _or_one(count)
    sums = sum_over_replicas(ops.stack([total, count]))
    everyone = _or_one(sums[1])
    return gradients.graft(sums[0] / everyone, total * (replicas / everyone))


def differentiate(
    scalar: Callable[[list, list], tuple[Tensor, Any]],
    tensors: list[Tensor],
    values: list[Tensor],
) -> tuple[Tensor, Any, list[Tensor], list[Tensor]]:
    """Differentiates `scalar(tensors, values) -> (value, outputs)` by both.

    Returns value, outputs, and the two lists of gradients: zeros where the
    value does not depend on a tensor.
    """
    backends = {"tensorflow": _tape, "jax": _transform, "torch": _autograd}
    backend = keras.backend.backend()
    if backend not in backends:
        raise ValueError(
            "The backend must be TensorFlow, JAX or PyTorch. "
            f"Received: {backend!r}; set KERAS_BACKEND."
        )
    return backends[backend](scalar, tensors, values)


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


def split_cpu(count: int) -> None:
    """Makes several logical CPUs; to be called before the backend is used."""
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration() for _ in range(count)],
    )


@functools.cache
def mirrored_cpus(count: int) -> Any:
    """A MirroredStrategy on logical CPUs, one for all models.

    Several strategies in one process break each other's collectives.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(count)])


def tensorflow_dataset(
    batches: Callable[[], Any],
    count: int,
    batch_size: int | None,
    load: Callable[[Any], Any],
    example: Any,
) -> Any:
    """A `tf.data.Dataset` of `load(indices)`, in parallel and in order.

    `batches()` gives `count` batches of indices; loading `example` tells the
    structure, types and shapes of all.
    """
    import tensorflow as tf

    element = load(example)
    parts = [np.asarray(p) for p in keras.tree.flatten(element)]

    def arrays(indices: Any) -> list[Any]:
        found = keras.tree.flatten(load(indices))
        return [
            np.asarray(f, p.dtype) for f, p in zip(found, parts, strict=True)
        ]

    def loaded(indices: Tensor) -> Any:
        found = tf.numpy_function(arrays, [indices], [p.dtype for p in parts])
        for tensor, part in zip(found, parts, strict=True):
            tensor.set_shape((batch_size, *part.shape[1:]))
        return keras.tree.pack_sequence_as(element, found)

    # Each worker process makes the same batches, and takes its share.
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    signature = tf.TensorSpec((batch_size,), tf.int64)
    indices = tf.data.Dataset.from_generator(
        batches, output_signature=signature
    )
    dataset = indices.map(
        loaded, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    counted = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return counted.prefetch(tf.data.AUTOTUNE).with_options(options)


def _or_one(count: Tensor) -> Tensor:
    """What to divide by: nothing is left where the count is 0."""
    return ops.where(count > 0, count, ops.ones_like(count))


def _context() -> Any:
    """The replica context, where there are replicas to talk to."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context


def _tape(scalar: Any, tensors: list, values: list) -> tuple:
    import tensorflow as tf

    # Values may be read-only views of variables, which a tape cannot watch.
    values = [tf.identity(v) for v in values]
    with tf.GradientTape() as tape:
        tape.watch([tensors, values])
        value, outputs = scalar(tensors, values)
    by_inputs, by_values = tape.gradient(
        value, [tensors, values], unconnected_gradients="zero"
    )
    return value, outputs, by_inputs, by_values


def _transform(scalar: Any, tensors: list, values: list) -> tuple:
    import jax

    differentiate = jax.value_and_grad(scalar, argnums=(0, 1), has_aux=True)
    (value, outputs), (by_inputs, by_values) = differentiate(tensors, values)
    return value, outputs, by_inputs, by_values


def _autograd(scalar: Any, tensors: list, values: list) -> tuple:
    import torch

    tensors = [t.detach().clone().requires_grad_() for t in tensors]
    values = [v.detach().clone().requires_grad_() for v in values]
    value, outputs = scalar(tensors, values)
    leaves = tensors + values
    found = torch.autograd.grad(value, leaves, allow_unused=True)
    found = [
        torch.zeros_like(leaf) if g is None else g
        for leaf, g in zip(leaves, found, strict=True)
    ]
    return value, outputs, found[: len(tensors)], found[len(tensors) :]
