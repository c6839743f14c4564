"""`GeneralContrastiveLoss` -> `AgentContrastiveLoss`.

With `add_intra_mae` the margin is state: the layer `AgentContrastive`.
"""

from typing import Any

import numpy as np
from keras import ops

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.testing.gradients import gradients
from tests.fidelity.recording import NoCounterpart, Recording, option
from tests.fidelity.replays.distance_loss import from_distances, loss_weight


def arguments(parameter: Any) -> dict[str, Any]:
    """What our objects call the fields of the message."""
    return {
        "positive_margin": parameter.positive_margin,
        "negative_margin": parameter.negative_margin,
        "positive_weight": parameter.positive_weight,
        "negative_weight": parameter.negative_weight,
        "positive_outlier": parameter.positive_outlier_thresh,
        # Active when present, be it 0.
        "normalize_negative": option(parameter, "normalize_negative"),
        "max_negative_only": parameter.max_negative_only,
        "max_positive_only": parameter.max_positive_only,
        "positive_first": parameter.positive_first,
        "positive_upper_bound": parameter.positive_upper_bound,
        "exponential_negative": parameter.exp_negative_weight,
        "gradient": "caffe",
    }


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if "bottom2" in recording:
        raise NoCounterpart("our losses read one matrix of distances")
    parameter = recording.layer().general_contrastive_loss_param
    if parameter.add_intra_mae:
        return adaptive(recording, arguments(parameter))
    return from_distances(
        recording, AgentContrastiveLoss(**arguments(parameter))
    )


def adaptive(
    z: Recording, options: dict[str, Any]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The margin moves with each step."""
    units = z["s0_bottom0"].shape[1]
    layer = AgentContrastive(units, adaptive_margin=True, **options)
    layer.build((None, units))
    labels = ops.convert_to_tensor(z.labels("bottom1"))
    weight = loss_weight(z)

    def function(d):
        value = ops.mean(layer.agent_losses(d, labels, training=False))
        return weight * value, value

    arrays = {}
    for p in z.prefixes:
        d = z.float32(f"{p}bottom0")
        result = gradients(function, [d])
        # Gradients are taken without training; this moves the margin.
        layer.agent_losses(ops.convert_to_tensor(d), labels, training=True)
        margin = ops.convert_to_numpy(layer.intra_distance)
        arrays[f"{p}top0"] = (result.outputs, z[f"{p}top0"])
        arrays[f"{p}bottom_diff0"] = (
            result.inputs[0],
            z[f"{p}bottom_diff0"],
        )
        arrays[f"{p}top1[2]"] = (margin, z[f"{p}top1"][2])
    return arrays
