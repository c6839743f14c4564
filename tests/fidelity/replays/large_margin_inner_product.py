"""`LargeMarginInnerProduct` -> `LSoftmax`."""

import numpy as np

from keras_hypersphere.layers.l_softmax import LSoftmax
from tests.fidelity.recording import Recording
from tests.fidelity.replays.margin_head import annealing, margin, steps


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    parameter = recording.layer().largemargin_inner_product_param
    head = LSoftmax(
        parameter.num_output,
        margin=margin(parameter),
        annealing=annealing(parameter),
        gradient="caffe",
    )
    return steps(recording, head)
