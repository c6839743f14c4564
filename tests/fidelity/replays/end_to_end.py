"""Small networks with a head: every blob and weight, and what moves."""

import numpy as np
from keras import ops

from tests.fidelity.recording import Recording
from tests.fidelity.replays.network import (
    Network,
    compared,
    inputs_of,
    replayed,
)

# What the fork forgets of a batch normalization's statistics by default.
KEPT = 0.99


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, inputs = recording, inputs_of(recording)
    normalizations = [x for x in z.net.layer if x.type == "BatchNorm"]
    for layer in normalizations:
        # Official Caffe, and so the converter, has 0.999.
        layer.batch_norm_param.moving_average_fraction = KEPT
    net = Network(z, inputs, "param")
    found = {}
    for p in z.prefixes:
        found |= replayed(z, net, inputs, p)
        for layer in normalizations:
            # Caffe adds up statistics that Keras averages, both from 0.
            for j, moving in enumerate(net.parts[layer.name].statistics):
                key = f"{p}param_{layer.name}_{j}_after"
                found[key] = ops.convert_to_numpy(moving) / (1 - KEPT)
    return compared(found, z)
