"""Data sets of `tf.data`."""

from collections.abc import Callable
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
