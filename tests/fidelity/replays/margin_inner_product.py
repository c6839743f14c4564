"""`MarginInnerProduct` of both forks -> `ASoftmax`."""

import numpy as np

from keras_hypersphere.layers.asoftmax import ASoftmax
from tests.fidelity.recording import Recording
from tests.fidelity.replays.margin_head import annealing, margin, steps


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    parameter = recording.layer().margin_inner_product_param
    head = ASoftmax(
        parameter.num_output,
        margin=margin(parameter),
        annealing=annealing(parameter),
        gradient="caffe",
    )
    return steps(recording, head)
