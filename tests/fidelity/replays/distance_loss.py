"""What the two losses of a distance matrix share."""

from typing import Any

import numpy as np

from keras_hypersphere.testing.gradients import gradients
from tests.fidelity.recording import Recording


def loss_weight(recording: Recording) -> float:
    """The first top's; the second top has a value and no gradient."""
    weights = recording.layer().loss_weight
    return weights[0] if weights else 1.0


def from_distances(
    recording: Recording, loss: Any
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Value and gradient; the recorded gradient has the loss's weight."""
    labels = recording.labels("bottom1")

    def function(d):
        value = loss(labels, d)
        return loss_weight(recording) * value, value

    result = gradients(function, [recording.float32("bottom0")])
    return {
        "top0": (result.outputs, recording["top0"]),
        "bottom_diff0": (result.inputs[0], recording["bottom_diff0"]),
    }
