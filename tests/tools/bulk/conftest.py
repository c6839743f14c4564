"""A folder of small crops, which the network of `sface` takes as they are."""

import os

import cv2
import numpy as np
import pytest


@pytest.fixture
def write_crops():
    """Writes crops of noise into a folder; each is another."""

    def write(folder, count):
        folder.mkdir(parents=True)
        for number in range(count):
            noise = np.random.default_rng(number).integers(
                0, 256, (112, 112, 3), np.uint8
            )
            path = folder / f"{number:03}.png"
            assert cv2.imwrite(str(path), noise)
            # Seconds of a clock that all see.
            os.utime(path, (1_700_000_000, 1_700_000_000 + number))
        return folder

    return write
