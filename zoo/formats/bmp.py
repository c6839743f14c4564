"""BMP: rows of pixels as they are; only what is missing can be told."""

import struct

START = b"BM"
# Rows as they are, or with masks.
PLAIN = (0, 3, 6)


def check(data: bytes) -> None:
    """Compares the size of the pixels with that of the file.

    Raises:
        ValueError: If rows are missing, or the header cannot be right.
    """
    if len(data) < 30:
        raise ValueError("its end is missing")
    (offset,) = struct.unpack_from("<I", data, 10)
    (header,) = struct.unpack_from("<I", data, 14)
    if header == 12:
        width, height, planes, bits = struct.unpack_from("<HHHH", data, 18)
        kind = 0
    elif len(data) >= 34:
        width, height, planes, bits, kind = struct.unpack_from(
            "<iiHHI", data, 18
        )
    else:
        raise ValueError("its end is missing")
    if planes != 1 or bits not in (1, 2, 4, 8, 16, 24, 32):
        raise ValueError("it is damaged")
    row = (width * bits + 31) // 32 * 4
    if kind in PLAIN and offset + row * abs(height) > len(data):
        raise ValueError("its end is missing")
