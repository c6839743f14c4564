"""Gradients of a function, in NumPy, with every state left as it was."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_hypersphere.backend import compilation, derivatives


class Gradients(NamedTuple):
    """Result of `gradients`, in NumPy arrays."""

    value: np.ndarray
    outputs: Any
    inputs: list[np.ndarray]
    variables: list[np.ndarray]


def gradients(
    function: Callable[..., tuple[Any, Any]],
    inputs: Sequence[Any],
    variables: Sequence[keras.Variable] = (),
) -> Gradients:
    """Differentiates a function by its inputs and by variables it reads.

    The state of layers stays as it was: what the function assigns, such as
    the step of an annealing, is forgotten.

    Args:
        function: takes the inputs, returns `(value, outputs)`: a scalar to
            differentiate, and anything else worth keeping.
        inputs: float arrays or tensors.
        variables: `keras.Variable`s.

    Returns:
        `value`, `outputs`, and the gradients of the value by `inputs` and by
        `variables`, zeros where it does not depend on them.

    Example:

    >>> layer = keras.layers.Dense(1, kernel_initializer="ones")
    >>> layer.build((1, 2))
    >>> def function(x):
    ...     y = layer(x)
    ...     return keras.ops.sum(y), y
    >>> result = gradients(function, [np.ones((1, 2))], [layer.kernel])
    >>> result.inputs[0].tolist(), result.variables[0].tolist()
    ([[1.0, 1.0]], [[1.0], [1.0]])
    """
    return differentiated(function, variables)(inputs)


def differentiated(
    function: Callable[..., tuple[Any, Any]],
    variables: Sequence[keras.Variable] = (),
    traced: bool = False,
) -> Callable[..., Gradients]:
    """`gradients` of one function, for many inputs.

    Args:
        function: as in `gradients`; also takes the constants.
        variables: as in `gradients`.
        traced: whether it runs as a graph, which pays from the third call.

    Returns:
        Function of a list of inputs and a list of constants, by which it
        does not differentiate.
    """

    def derive(tensors: Any, values: Any, constants: Any) -> Any:
        def scalar(tensors: Any, values: Any) -> Any:
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(
                state_mapping=mapping, collect_losses=True
            ):
                value, outputs = function(*tensors, *constants)
            return value, outputs

        return derivatives.differentiate(scalar, tensors, values)

    run = compilation.traced(derive) if traced else derive

    def result(inputs: Sequence[Any], constants: Sequence[Any] = ()) -> Any:
        value, outputs, by_inputs, by_values = run(
            [ops.convert_to_tensor(x) for x in inputs],
            [ops.convert_to_tensor(v.value) for v in variables],
            [ops.convert_to_tensor(c) for c in constants],
        )
        return Gradients(
            array(value),
            keras.tree.map_structure(array, outputs),
            [array(g) for g in by_inputs],
            [array(g) for g in by_values],
        )

    return result


def array(x: Any) -> np.ndarray:
    """Any tensor as a NumPy array; bfloat16, which NumPy lacks, as float32."""
    if keras.backend.standardize_dtype(x.dtype) == "bfloat16":
        x = ops.cast(x, "float32")
    return np.asarray(ops.convert_to_numpy(x))
