"""Data sets of `tf.data`."""

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

Tensor = Any


def tensorflow_dataset(
    batches: Callable[[], Any],
    count: int,
    batch_size: int | None,
    load: Callable[[Any], Any],
    example: Any,
) -> Any:
    """A `tf.data.Dataset` of `load(indices)`, in parallel and in order.

    `batches()` gives `count` batches of indices, or numbers of batches;
    loading `example`, one of them, tells the structure, types and shapes.
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
    signature = tf.TensorSpec(
        (batch_size,) if np.ndim(example) else (), tf.int64
    )
    indices = tf.data.Dataset.from_generator(
        batches, output_signature=signature
    )
    dataset = indices.map(
        loaded, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    counted = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return counted.prefetch(tf.data.AUTOTUNE).with_options(options)


def is_tensorflow_dataset(x: Any) -> bool:
    """Whether `x` is a `tf.data.Dataset`, which are not distributed yet."""
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(x, tf.data.Dataset)


def with_check(dataset: Any, check: Callable[[Any], None]) -> Any:
    """The same batches of (x, y, ...), each `y` seen by `check(y)`."""
    import tensorflow as tf

    if not isinstance(dataset.element_spec, tuple):
        check(None)

    def seen(y: Any) -> Any:
        check(y)
        return np.int32(0)

    def looked_at(x: Any, y: Any = None, *rest: Any) -> Any:
        shape = getattr(y, "shape", None)
        if shape is None or shape.rank is None:
            check(None if shape is None else np.zeros((1, 1, 1)))
        if not y.dtype.is_integer and not y.dtype.is_floating:
            check(np.array(["text"]))
        looking = tf.numpy_function(seen, [y], tf.int32)
        with tf.control_dependencies([looking]):
            return x, tf.identity(y), *rest

    return dataset.map(looked_at)


@contextlib.contextmanager
def errors_of_checks() -> Iterator[None]:
    """Says what a check or an assertion has said, without TensorFlow."""
    try:
        yield
    except Exception as error:
        found = re.search(r"`labels` must [^\n\]]*", str(error))
        if isinstance(error, ValueError) or found is None:
            raise
        raise ValueError(found.group().strip()) from None
