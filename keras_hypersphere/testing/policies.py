"""Every dtype policy gives the same numbers, as exactly as it can."""

import contextlib
from collections.abc import Iterator

import keras

from keras_hypersphere.testing.gradients import array
from keras_hypersphere.testing.subject import Subject

CHECK = "dtype policies"
# How far outputs may lie from those in float32: about four units in the last
# place of the inputs.
TOLERANCES = {
    "float32": 1e-6,
    "mixed_float16": 4e-3,
    "mixed_bfloat16": 3e-2,
    "float64": 1e-5,
}


@contextlib.contextmanager
def policy_scope(policy: str) -> Iterator[None]:
    """Sets Keras's global dtype policy for a while."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def testable(policy: str) -> bool:
    """Keras rounds float64 to float32 on other backends than TensorFlow."""
    return policy != "float64" or (
        keras.backend.result_type("float64", "float64") == "float64"
    )


def check_policies(subject: Subject) -> None:
    """float32, mixed_float16, mixed_bfloat16 and float64."""
    with policy_scope("float32"):
        reference = subject.built()
        weights = [array(v) for v in reference.variables]
        wanted = [array(y) for y in subject.call(reference, subject.inputs())]
    for policy, tolerance in TOLERANCES.items():
        if not testable(policy):
            continue
        with policy_scope(policy):
            layer = subject.built()
            for variable, value in zip(layer.variables, weights, strict=True):
                variable.assign(value)
            check_variables(subject, layer, policy)
            outputs = subject.call(layer, subject.inputs(layer.compute_dtype))
            symbolic = subject.call(
                layer,
                [
                    keras.KerasTensor(shape, dtype=layer.compute_dtype)
                    for shape in subject.shapes
                ],
            )
        for index, (y, s) in enumerate(zip(outputs, symbolic, strict=True)):
            found, expected = (
                keras.backend.standardize_dtype(t.dtype) for t in (y, s)
            )
            subject.require(
                found == expected,
                CHECK,
                f"output {index} is {found} under {policy}, but "
                f"{expected} symbolically.",
            )
            subject.require_close(
                CHECK,
                f"output {index} under {policy}, compared with float32,",
                y,
                wanted[index],
                tolerance,
            )


def check_variables(
    subject: Subject, layer: keras.layers.Layer, policy: str
) -> None:
    """Weights have the policy's variable dtype."""
    for variable in layer.trainable_variables:
        subject.require(
            variable.dtype == layer.variable_dtype,
            CHECK,
            f"weight {variable.path!r} is {variable.dtype} under {policy}, "
            f"expected {layer.variable_dtype}.",
        )
