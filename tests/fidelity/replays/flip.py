"""`Flip` -> the layer of that name, channels last."""

import numpy as np

from keras_hypersphere.layers.flip import Flip
from tests.fidelity.recording import Recording
from tests.fidelity.replays.upstream import backward


def last(x: np.ndarray) -> np.ndarray:
    """(N, C, H, W) -> (N, H, W, C)."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, parameter = recording, recording.layer().flip_param
    layer = Flip(parameter.flip_width, parameter.flip_height)
    result = backward(layer, [last(z.float32("bottom0"))], last(z["top_diff0"]))
    return {
        "top0": (result.outputs, last(z["top0"])),
        "bottom_diff0": (result.inputs[0], last(z["bottom_diff0"])),
    }
