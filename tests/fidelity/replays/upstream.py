"""Gradients of layers that are no losses: what a recording fed back."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_hypersphere.testing.gradients import Gradients, gradients


def backward(
    function: Callable[..., Any],
    inputs: Sequence[np.ndarray],
    upstream: np.ndarray | list[np.ndarray],
    variables: Sequence[Any] = (),
) -> Gradients:
    """Runs a function forward, and back from the gradient of its outputs.

    Args:
        function: takes the inputs, returns an output or a list of outputs.
        inputs: float32 arrays.
        upstream: a gradient for each output, of any shape of that size.
        variables: what to differentiate by besides the inputs.
    """
    several = isinstance(upstream, list)
    weights = [
        ops.convert_to_tensor(g, "float32")
        for g in (upstream if several else [upstream])
    ]

    def weighted(*tensors: Any) -> tuple[Any, Any]:
        outputs = function(*tensors)
        tops = outputs if several else [outputs]
        products = [
            ops.sum(ops.reshape(y, g.shape) * g)
            for y, g in zip(tops, weights, strict=True)
        ]
        return sum(products), outputs

    return gradients(weighted, inputs, variables)


def stored(variable: Any) -> np.ndarray:
    """What a weight's constraint, if any, leaves in it after a step."""
    if variable.constraint is not None:
        variable.assign(variable.constraint(variable))
    return ops.convert_to_numpy(variable)
