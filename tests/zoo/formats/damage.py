"""Pictures of every format, and damage as disks and transfers do it."""

import cv2
import numpy as np


def natural(height=120, width=160):
    """A picture with smooth and rough places, as photos have them."""
    y, x = np.mgrid[0:height, 0:width]
    rough = np.random.default_rng(3).normal(0, 1, (height, width, 3))
    smooth = np.dstack([np.sin(x / 17), np.cos(y / 11), np.sin((x + y) / 23)])
    pixels = 128 + 80 * smooth + rough * (x / width * 25)[:, :, None]
    return np.clip(pixels, 0, 255).astype(np.uint8)


PICTURE = natural()


def encode(suffix, *settings, picture=PICTURE):
    done, data = cv2.imencode(suffix, picture[:, :, ::-1], settings)
    assert done
    return data.tobytes()


def overwritten(data, count, start=0.2):
    """Yields copies with a stretch of other bytes in the coded pixels."""
    random = np.random.default_rng(1)
    for number in range(count):
        length = int(random.integers(16, 300))
        place = int(random.integers(len(data) * start, len(data) - length - 20))
        other = (
            bytes(length),
            b"\xff" * length,
            random.integers(0, 256, length, np.uint8).tobytes(),
        )[number % 3]
        yield data[:place] + other + data[place + length :]
