import numpy as np
import pytest

from keras_hypersphere.face_files import crc32c
from tests.keras_hypersphere.face_files import formats


@pytest.mark.parametrize(
    "data, expected",
    [
        (b"", 0),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"123456789", 0xE3069283),
    ],
)
def test_values_of_rfc_3720(data, expected):
    assert crc32c.crc32c(data) == expected


@pytest.mark.parametrize("size", [1, 3, 511, 512, 513, 1024, 3001])
def test_bit_by_bit(size):
    data = np.random.default_rng(size).bytes(size)
    assert crc32c.crc32c(data) == formats.crc32c(data)
    masked = crc32c.masked(crc32c.crc32c(data))
    assert masked.to_bytes(4, "little") == formats.masked(data)


def test_many_lengths_at_once():
    lengths = np.random.default_rng(0).integers(0, 256, (50, 8), np.uint8)
    expected = [formats.crc32c(bytes(row)) for row in lengths]
    assert crc32c.of_lengths(lengths).tolist() == expected
