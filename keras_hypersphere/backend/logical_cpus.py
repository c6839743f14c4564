"""Replicas on the logical CPUs of one machine, for tests."""

import functools
from typing import Any


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
