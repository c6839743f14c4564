"""The averaged weights of a training with EMA, for a while."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_hypersphere.backend.processes import process_count


@contextlib.contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Gives a model its averaged weights, and takes them back exactly.

    Keras averages weights for an optimizer with `use_ema=True` and writes
    them over the model's when `fit` ends. What is measured and saved before
    is the same model only with the averages in place. Without EMA, nothing
    is done.
    """
    optimizer = getattr(model, "optimizer", None)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if not getattr(optimizer, "use_ema", False) or not optimizer.built:
        yield
        return
    weights = model.trainable_variables
    kept = [copied(weight) for weight in weights]
    optimizer.finalize_variable_values(weights)
    # On JAX these are now the buffers of the averages, which `predict` gives
    # away.
    for weight in weights:
        weight.assign(copied(weight))
    try:
        yield
    finally:
        for weight, values in zip(weights, kept, strict=True):
            weight.assign(values)


def copied(weight: keras.Variable) -> Any:
    """Values that stay what they are; of several processes, of each its own."""
    if process_count() > 1:
        import jax.numpy as jnp

        return jnp.copy(weight.value)
    return keras.ops.convert_to_numpy(weight).copy()
