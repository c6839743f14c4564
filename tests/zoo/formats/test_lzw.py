import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo.formats import lzw, tiff
from tests.zoo.formats.damage import PICTURE

RANDOM = np.random.default_rng(0)
PICTURES = {
    "photo": PICTURE,
    "flat": np.full((300, 400, 3), 7, np.uint8),
    "two values": RANDOM.integers(0, 2, (200, 300, 3), np.uint8),
    "noise": RANDOM.integers(0, 256, (300, 200, 3), np.uint8),
    "a pixel": np.full((1, 1, 3), 9, np.uint8),
}


@pytest.mark.parametrize("name", PICTURES)
def test_bytes_are_those_that_were_packed(name):
    picture = PICTURES[name]
    settings = (cv2.IMWRITE_TIFF_COMPRESSION, 5)
    data = cv2.imencode(".tif", picture[:, :, ::-1], settings)[1].tobytes()
    layout = tiff.read_layout(data)
    strips = tiff.packed_strips(data, layout)
    unpacked = b"".join(lzw.unpack(packed) for packed, _ in strips)
    pixels = np.frombuffer(unpacked, np.uint8).reshape(picture.shape)
    if layout.one(tiff.PREDICTOR, 1) == 2:
        # OpenCV packs differences of neighbors.
        pixels = np.cumsum(pixels, axis=1, dtype=np.uint8)
    np.testing.assert_array_equal(pixels, picture)
    assert [lzw.unpacked_length(packed) for packed, _ in strips] == [
        size for _, size in strips
    ]


def pack(*codes):
    """Codes of 9 bits."""
    bits = "".join(f"{code:09b}" for code in codes)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def test_by_hand():
    packed = pack(256, 65, 66, 258, 260, 256, 67, 258, 257)
    # 258 is AB, 260 is being made: AB and its own first byte; then anew.
    assert lzw.unpack(packed) == b"AB" + b"AB" + b"ABA" + b"C" + b"CC"
    assert lzw.unpacked_length(packed) == 10
    for wrong in ((256, 65, 259), (256, 258), (65, 66, 261), (256, 300, 257)):
        with pytest.raises(ValueError, match="damaged"):
            lzw.unpacked_length(pack(*wrong))
