"""Derivatives of a function of tensors, on each backend."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

Tensor = Any


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
    found: Sequence[Tensor] = torch.autograd.grad(
        value, leaves, allow_unused=True
    )
    found = [
        torch.zeros_like(leaf) if g is None else g
        for leaf, g in zip(leaves, found, strict=True)
    ]
    return value, outputs, found[: len(tensors)], found[len(tensors) :]
