"""Six updates of the real solver, followed with `CaffeSGD`."""

import re
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.optimizers.caffe_sgd import CaffeSGD
from keras_hypersphere.schedules.caffe_learning_rate import (
    REQUIRED,
    CaffeLearningRate,
)
from tests.fidelity.recording import Recording
from tests.fidelity.replays.network import Network


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, arrays = recording, {}
    net = Network(z, batch(z, "s0_"), "init")
    net.settle()
    seen = [Witness.of(weight) for weight in net.weights]
    optimizer = solver(z, multipliers(z, net))
    for p in z.prefixes:
        inputs = batch(z, p)
        step = net.step(inputs)
        net.move(inputs)
        slopes = dict(zip(net.names, step.slopes, strict=True))
        put_back_the_bug(z, slopes, inputs["label"])
        optimizer.apply(
            [ops.convert_to_tensor(slope) for slope in slopes.values()],
            net.weights,
        )
        for name, array in step.blobs.items():
            arrays[f"{p}blob_{name}"] = array
        for name, array in net.in_caffes_layout(
            [found.before() for found in seen]
        ).items():
            arrays[f"{p}param_{name}"] = array
    return {
        key: (array.reshape(z[key].shape), z[key])
        for key, array in arrays.items()
        if key in z
    }


def batch(z: Recording, prefix: str) -> dict[str, np.ndarray]:
    return {name: z.float32(f"{prefix}{name}") for name in ("data", "label")}


class Witness(keras.constraints.Constraint):
    """Remembers what an update wrote before the constraint changed it.

    The recorded weights are those: Caffe renormalizes as the next forward
    begins, we as the update ends.
    """

    def __init__(self, variable: keras.Variable) -> None:
        self.variable = variable
        self.constraint = variable.constraint
        self.given = None

    @classmethod
    def of(cls, variable: keras.Variable) -> "Witness":
        witness = cls(variable)
        if witness.constraint is not None:
            variable.constraint = witness
        return witness

    def __call__(self, w: Any) -> Any:
        # A forward asks too, with a tensor that JAX may only be tracing.
        if isinstance(w, keras.Variable):
            self.given = ops.convert_to_numpy(w).copy()
        return self.constraint(w)

    def before(self) -> np.ndarray:
        """The weight as the optimizer left it."""
        if self.constraint is None:
            return ops.convert_to_numpy(self.variable)
        return self.given


def solver(z: Recording, multipliers: dict[str, Any]) -> CaffeSGD:
    """The optimizer of a solver file's text."""
    settings = dict(re.findall(r'(\w+): "?([^"\s]+)', z.meta["solver"]))
    policy = settings["lr_policy"]
    parameters = {
        name: int(settings[name])
        if name == "stepsize"
        else float(settings[name])
        for name in REQUIRED[policy]
    }
    return CaffeSGD(
        CaffeLearningRate(policy, float(settings["base_lr"]), **parameters),
        momentum=float(settings["momentum"]),
        weight_decay=float(settings["weight_decay"]),
        multipliers=multipliers,
    )


def multipliers(z: Recording, net: Network) -> dict[str, Any]:
    """Variable path -> what `param { lr_mult decay_mult }` says."""
    found = {}
    for layer in net.layers:
        for weight, spec in zip(
            net.parts[layer.name].weights, layer.param, strict=False
        ):
            found[weight.path] = (spec.lr_mult, spec.decay_mult)
    return found


def put_back_the_bug(
    z: Recording, slopes: dict[str, np.ndarray], labels: np.ndarray
) -> None:
    """Makes the center's gradient that of the fork `ms`.

    It adds the step of a center once for each sample of its class. What is
    followed here is the solver, so it gets the gradient that it got there.
    """
    if z.name.startswith("traj_center_loss_ms_"):
        centers = slopes["center_loss_0"]
        counts = np.bincount(labels.astype(int), minlength=len(centers))
        slopes["center_loss_0"] = centers * counts[:, None]
