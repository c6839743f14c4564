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


def pull_back(
    function: Callable[..., Tensor],
    tensors: list[Tensor],
    cotangent: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """Gradients, by tensors, of a function whose value has a gradient.

    `cotangent(value)` is that gradient, a constant. Zeros where the value
    does not depend on a tensor. As it is for use inside of a gradient that is
    written by hand, nothing flows further back.
    """
    backends = {
        "tensorflow": _tape_back,
        "jax": _transform_back,
        "torch": _autograd_back,
    }
    return backends[keras.backend.backend()](function, tensors, cotangent)


def _tape_back(function: Any, tensors: list, cotangent: Any) -> list:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    return tape.gradient(
        value, tensors, cotangent(value), unconnected_gradients="zero"
    )


def _transform_back(function: Any, tensors: list, cotangent: Any) -> list:
    import jax

    value, back = jax.vjp(function, *tensors)
    return list(back(cotangent(value)))


def _autograd_back(function: Any, tensors: list, cotangent: Any) -> list:
    import torch

    with torch.enable_grad():
        tensors = [t.detach().requires_grad_() for t in tensors]
        value = function(*tensors)
    found = torch.autograd.grad(
        value, tensors, cotangent(value.detach()), allow_unused=True
    )
    return [
        torch.zeros_like(tensor) if g is None else g
        for tensor, g in zip(tensors, found, strict=True)
    ]


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
