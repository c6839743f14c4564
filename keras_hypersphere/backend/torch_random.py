"""PyTorch's own random numbers, which Keras draws from in places."""

from collections.abc import Sequence

import keras
import numpy as np


def torch_states() -> list[np.ndarray]:
    """Where PyTorch's own random numbers are, on each device.

    Keras draws a dropout without a seed from them.
    """
    if keras.backend.backend() != "torch":
        return []
    import torch

    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.cpu().numpy() for state in states]


def set_torch_states(states: Sequence[np.ndarray]) -> None:
    """Goes back to what `torch_states` returned."""
    if not states:
        return
    import torch

    first, *others = (torch.from_numpy(state.copy()) for state in states)
    torch.set_rng_state(first)
    if len(others) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(others)
