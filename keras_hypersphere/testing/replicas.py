"""Several replicas on one machine, for checks; TensorFlow only.

Names a backend because Keras has no word for `tf.distribute`.
"""

import contextlib
import functools
from typing import Any

import keras


def available() -> bool:
    """Whether models can be replicated here."""
    return keras.backend.backend() == "tensorflow"


def prepare(count: int) -> None:
    """Splits the CPU; to be called before the backend is used."""
    if not available():
        return
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration() for _ in range(count)],
    )


def scope(count: int) -> contextlib.AbstractContextManager[Any]:
    """The scope in which to make a model for several replicas."""
    return strategy(count).scope()


@functools.cache
def strategy(count: int) -> Any:
    """One strategy for all models: making one takes a while."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(count)])
