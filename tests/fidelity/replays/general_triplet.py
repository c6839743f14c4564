"""`GeneralTripletLoss` -> `AgentTripletLoss`."""

from typing import Any

import numpy as np

from keras_hypersphere.losses.agent_triplet_loss import AgentTripletLoss
from tests.fidelity.recording import Recording
from tests.fidelity.replays.distance_loss import from_distances


def arguments(parameter: Any) -> dict[str, Any]:
    """What our objects call the fields of the message."""
    return {
        "margin": parameter.margin,
        "hardest_only": parameter.hardest_only,
        "center_pull": parameter.add_center_loss,
        "positive_weight": parameter.positive_weight,
        "negative_weight": parameter.negative_weight,
        "positive_first": parameter.positive_first,
        "positive_upper_bound": parameter.positive_upper_bound,
        "gradient": "caffe",
    }


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    parameter = recording.layer().general_triplet_loss_param
    return from_distances(recording, AgentTripletLoss(**arguments(parameter)))
