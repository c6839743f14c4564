"""What A-softmax's and L-softmax's recordings share: lambda, and steps."""

from typing import Any

import numpy as np

from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from tests.fidelity.recording import Recording
from tests.fidelity.replays.upstream import backward, stored


def annealing(parameter: Any) -> LambdaAnnealing:
    """The schedule of a parameter message of either layer."""
    return LambdaAnnealing(
        base=parameter.base,
        gamma=parameter.gamma,
        power=parameter.power,
        minimum=parameter.lambda_min,
        start=parameter.iteration,
    )


def margin(parameter: Any) -> int:
    """SINGLE is 0 in Caffe's enum."""
    return parameter.type + 1


def steps(z: Recording, head: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Runs an unbuilt head as often as Caffe ran the layer."""
    x = z.float32("bottom0")
    x = x.reshape(len(x), -1)
    labels = z.labels("bottom1")
    head.build(x.shape)
    head.kernel.assign(z.float32("param0").T)

    def call(x):
        return head(x, labels=labels, training=True)

    arrays = {}
    for p in z.prefixes:
        result = backward(call, [x], z[f"{p}top_diff0"], [head.kernel])
        # `backward` leaves the state as it was; this advances the step.
        call(x)
        annealing_value = head.annealing(int(head.annealing_step))
        ours = {
            "top0": result.outputs,
            "top1": np.reshape(np.asarray(annealing_value, "float32"), (1,)),
            "bottom_diff0": result.inputs[0].reshape(
                z[f"{p}bottom_diff0"].shape
            ),
            "param_diff0": result.variables[0].T,
        }
        after = stored(head.kernel).T
        if f"{p}param0_after" in z:
            ours["param0_after"] = after
        for key, array in ours.items():
            arrays[p + key] = (array, z[p + key])
    return arrays
