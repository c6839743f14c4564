"""Whether a training step fits into memory."""

import math
from pathlib import Path

import keras

from keras_hypersphere.tools.training.devices import on_accelerator

# Measured on TensorFlow with 48 photos: a step of MobileFaceNet takes 1.08
# times what its layers give, one of SphereFace20 1.15 times.
KEPT = 1.15
NUMBER = 4


def step_bytes(network: keras.Model, photos: int) -> float:
    """About what the outputs of a network's layers take in a step."""
    numbers = sum(
        math.prod(size or 1 for size in output.shape[1:])
        for layer in network.layers
        for output in keras.tree.flatten(layer.output)
    )
    return KEPT * NUMBER * numbers * photos


def free_bytes() -> int | None:
    """Memory that is free, where Linux tells."""
    path = Path("/proc/meminfo")
    if not path.is_file():
        return None
    for line in path.read_text().splitlines():
        name, _, amount = line.partition(":")
        if name == "MemAvailable":
            return 1024 * int(amount.split()[0])
    return None


def about_memory(network: keras.Model, photos: int) -> list[str]:
    """A line of warning where a step on a CPU needs more than is free.

    Accelerators have memory of their own, and say themselves when it is full;
    a process that takes too much of the machine's is killed without a word.
    """
    free = free_bytes()
    needed = step_bytes(network, photos)
    if free is None or on_accelerator() or needed < free:
        return []
    fits = max(1, int(photos * free / needed / 2))
    fits = 2 ** int(math.log2(fits))
    return [
        f"warning: a step of {photos} photos needs about "
        f"{needed / 1e9:.0f} GB, and {free / 1e9:.0f} GB are free: the system "
        f"may end the training without a word. --batch-size {fits} fits"
    ]
