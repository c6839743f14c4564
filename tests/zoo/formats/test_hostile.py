"""Whatever is in a file: pixels, or one line that says what is wrong."""

import tracemalloc
import zlib

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.formats import tiff
from tests.zoo.formats.damage import encode
from tests.zoo.formats.test_formats import PICTURE, WHOLE, tiff_of

SMALL = PICTURE[:24, :32]


def files():
    for name, (suffix, settings) in WHOLE.items():
        yield name, encode(suffix, *settings, picture=SMALL)
    yield "jpeg", encode(".jpg", picture=SMALL)
    progressive = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    yield "progressive", encode(".jpg", *progressive, picture=SMALL)
    yield "gray with alpha", tiff_of(SMALL[:, :, :2].astype(np.uint16))
    if cv2.haveImageWriter("x.avif"):
        yield "avif", encode(".avif", picture=SMALL)


@pytest.mark.parametrize(("name", "data"), files())
@pytest.mark.parametrize("partial", [False, True])
def test_every_header(name, data, partial):
    random = np.random.default_rng(0)
    for number in range(300):
        broken = bytearray(data)
        near = min(len(data), 200 if number % 2 else len(data))
        # Tags of TIFF stand at the end.
        tail = name.startswith(("tiff", "gray")) and number % 3 == 0
        start = len(data) - near if tail else 0
        for place in random.integers(start, start + near, 1 + number % 4):
            broken[place] = random.choice(
                [0, 1, 255, int(random.integers(256))]
            )
        if number % 5 == 0:
            broken = broken[: int(random.integers(len(data)))]
        try:
            read = images.read(bytes(broken), partial)
        except ValueError as error:
            assert "\n" not in str(error)
        else:
            assert read.dtype == np.uint8 and read.shape[2] == 3


def test_a_deflated_strip_of_gigabytes_is_not_unpacked():
    bomb = zlib.compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="damaged"):
            tiff.inflate(bomb, 1000)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
