"""Several processes of one training, which Keras has on JAX."""

from typing import Any

import keras
import numpy as np


def process_count() -> int:
    """Processes that train together, 1 on other backends."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def is_first_process() -> bool:
    """Whether this is the one that writes."""
    if process_count() == 1:
        return True
    import jax

    return jax.process_index() == 0


def whole_array(variable: Any) -> np.ndarray:
    """The values of a variable that each process has all of."""
    value = getattr(variable, "value", variable)
    if process_count() == 1 or value.is_fully_addressable:
        return keras.ops.convert_to_numpy(variable)
    return np.asarray(value)


def assign_whole(variable: keras.Variable, value: np.ndarray) -> None:
    """Gives a variable values that all processes know; each keeps its part."""
    now = variable.value
    if process_count() == 1 or now.is_fully_addressable:
        variable.assign(keras.ops.cast(value, variable.dtype))
        return
    import jax

    value = np.asarray(value).astype(now.dtype)
    variable.assign(
        jax.make_array_from_callback(
            value.shape, now.sharding, lambda place: value[place]
        )
    )


def wait_for_all(what: str) -> None:
    """Returns once all processes have come here."""
    if process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(what)
