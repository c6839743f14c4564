"""Names of initializers, ours among them."""

from typing import Any

import keras

from keras_hypersphere.initializers.unit_sphere import UnitSphere


def resolve(identifier: Any, axis: int = 0) -> Any:
    """`keras.initializers.get`, which also knows `"unit_sphere"`."""
    if identifier == "unit_sphere":
        return UnitSphere(axis=axis)
    try:
        return keras.initializers.get(identifier)
    except (TypeError, ValueError) as error:
        raise ValueError(
            '`kernel_initializer` must be "unit_sphere" or what '
            "`keras.initializers.get` accepts. "
            f"Received: kernel_initializer={identifier!r}."
        ) from error
