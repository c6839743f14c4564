"""Values and gradients stay finite at the edges of what inputs can be."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.testing.gradients import Gradients, differentiated
from keras_hypersphere.testing.policies import policy_scope
from keras_hypersphere.testing.subject import Subject

CHECK = "edges"
# Magnitude of the entries of tiny vectors and of huge ones, and of a single
# entry among zeros: lengths of 1e-20 and 1e15, and the ends of the half types.
# A vector of bfloat16's largest entries is longer than float32 can say.
EXTREMES = {
    "float32": (1e-20, 1e15, 1e15),
    "float16": (6e-8, 65504.0, 65504.0),
    "bfloat16": (1.2e-38, 1e37, 3.38e38),
}
POLICIES = {
    "float32": "float32",
    "float16": "mixed_float16",
    "bfloat16": "mixed_bfloat16",
}


def check_edges(subject: Subject) -> None:
    """Zeros, ones, parallel and opposite vectors, tiny and huge ones."""
    for dtype, policy in POLICIES.items():
        with policy_scope(policy):
            layer = subject.built()
        run = training_call(subject, layer)
        for name, inputs in edge_inputs(subject, dtype).items():
            check_finite(subject, layer, f"{name} in {dtype}", run(inputs))


def edge_inputs(subject: Subject, dtype: str) -> dict[str, list[Any]]:
    """Name of an edge -> inputs."""
    small, large, largest = EXTREMES[dtype]
    rng = np.random.default_rng(0)

    def parallel(shape: tuple[int, ...]) -> np.ndarray:
        return np.broadcast_to(rng.normal(size=shape[1:]), shape)

    def opposite(shape: tuple[int, ...]) -> np.ndarray:
        signs = np.resize([1.0, -1.0], shape[0])
        return parallel(shape) * signs.reshape(-1, *[1] * (len(shape) - 1))

    def signs(shape: tuple[int, ...]) -> np.ndarray:
        return np.where(rng.normal(size=shape) < 0, -1.0, 1.0)

    def single(shape: tuple[int, ...]) -> np.ndarray:
        x = np.zeros(shape)
        x.reshape(shape[0], -1)[:, 0] = largest
        return x

    makers: dict[str, Callable] = {
        "zeros": np.zeros,
        "ones": np.ones,
        "parallel vectors": parallel,
        "opposite vectors": opposite,
        f"entries of {small:g}": lambda shape: small * signs(shape),
        f"entries of {large:g}": lambda shape: large * signs(shape),
        f"entries of {large:g}, all alike": lambda s: np.full(s, large),
        f"one entry of {largest:g} among zeros": single,
    }
    return {
        name: [
            ops.convert_to_tensor(make(shape).astype("float32"), dtype=dtype)
            for shape in subject.shapes
        ]
        for name, make in makers.items()
    }


def training_call(
    subject: Subject, layer: keras.layers.Layer
) -> Callable[[list[Any]], Gradients]:
    """Outputs and gradients of a call in training."""
    takes_training = "training" in inspect.signature(layer.call).parameters
    trainable = {"training": True} if takes_training else {}

    def function(*tensors: Any) -> tuple[Any, list[Any]]:
        outputs = subject.call(layer, tensors, **trainable)
        # A mean in float32: the sum of many half-precision outputs would
        # overflow where no single one does.
        value = sum(ops.mean(ops.cast(y, "float32") / 64.0) for y in outputs)
        return value + sum(layer.losses), outputs

    return differentiated(function, layer.trainable_variables, traced=True)


def check_finite(
    subject: Subject,
    layer: keras.layers.Layer,
    edge: str,
    result: Gradients,
) -> None:
    """What came out of a training call at an edge."""
    variables = layer.trainable_variables
    parts = {
        **{f"output {i}": y for i, y in enumerate(result.outputs)},
        **{f"gradient of input {i}": g for i, g in enumerate(result.inputs)},
        **{
            f"gradient of {v.path!r}": g
            for v, g in zip(variables, result.variables, strict=True)
        },
    }
    for part, values in parts.items():
        subject.require(
            bool(np.isfinite(values.astype("float64")).all()),
            CHECK,
            f"{part} is not finite for {edge}.",
        )
