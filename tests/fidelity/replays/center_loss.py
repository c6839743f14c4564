"""`CenterLoss` of both forks -> the layer of that name."""

import numpy as np

from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.testing.gradients import gradients
from tests.fidelity.recording import NoCounterpart, Recording


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, parameter = recording, recording.layer().center_loss_param
    if parameter.distance_type != "L2":
        raise NoCounterpart("our centers have no L1 distance")
    x, labels = z.float32("bottom0"), z.labels("bottom1")
    layer = CenterLoss(
        parameter.num_output,
        loss_weight=recording.layer().loss_weight[0],
        gradient="caffe",
    )
    layer.build(x.shape)
    layer.centers.assign(z.float32("param0"))

    def function(x):
        y = layer(x, labels, training=True)
        (loss,) = layer.losses
        return loss, [loss, y]

    result = gradients(function, [x], [layer.centers])
    loss, outputs = result.outputs
    assert np.array_equal(outputs, x)
    return {
        "loss": (loss, z["loss"]),
        "bottom_diff0": (result.inputs[0], z["bottom_diff0"]),
        "param_diff0": (result.variables[0], z["param_diff0"]),
    }
