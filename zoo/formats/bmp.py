"""BMP: rows of pixels as they are, or runs of them.

Nothing tells whether a pixel was overwritten. Headers, sizes and runs are
told more than once, and must fit each other.
"""

import struct

START = b"BM"
# Rows as they are, with masks, with masks and alpha.
PLAIN = (0, 3, 6)
# Ways of packing, and the bits of a pixel that they are for.
BITS = {
    0: (1, 2, 4, 8, 16, 24, 32),
    1: (8,),
    2: (4,),
    3: (16, 32),
    6: (16, 32),
}
HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
# The last header has a colour profile, which may lie behind the pixels.
WITH_PROFILE = 124
# Bytes behind the pixels that some writers fill up with.
FILLING = 3


def check(data: bytes) -> None:
    """Compares header, size of the pixels and size of the file.

    Raises:
        ValueError: If rows are missing, or what is told cannot be right.
    """
    if len(data) < 30:
        raise ValueError("its end is missing")
    size, _, offset, header = struct.unpack_from("<IIII", data, 2)
    if header == 12:
        width, height, planes, bits = struct.unpack_from("<HHHH", data, 18)
        kind = 0
    elif len(data) >= 34:
        width, height, planes, bits, kind = struct.unpack_from(
            "<iiHHI", data, 18
        )
    else:
        raise ValueError("its end is missing")
    if (
        planes != 1
        or bits not in BITS.get(kind, ())
        or header not in HEADERS
        or offset < 14 + header
        or width <= 0
        or not height
    ):
        raise ValueError("it is damaged")
    if kind not in PLAIN:
        check_runs(data[offset:], width, height, bits)
        return
    end = offset + (width * bits + 31) // 32 * 4 * abs(height)
    if end > len(data):
        raise ValueError("its end is missing")
    # Some writers leave the size of the file wrong. Where it is right, and the
    # pixels end before it, width, height or bits are not what they were.
    if size == len(data) > end + FILLING and header != WITH_PROFILE:
        raise ValueError("it is damaged")


def check_runs(packed: bytes, width: int, height: int, bits: int) -> None:
    """Follows the runs of pixels up to the sign of their end.

    Raises:
        ValueError: If one does not fit the picture, or the end is missing.
    """
    x = y = position = 0
    while position + 1 < len(packed):
        count, value = packed[position : position + 2]
        position += 2
        if count:
            x += count
        elif value == 0:
            x, y = 0, y + 1
        elif value == 1:
            return
        elif value == 2:
            if position + 2 > len(packed):
                break
            x, y = x + packed[position], y + packed[position + 1]
            position += 2
        else:
            x += value
            position += (value * bits + 15) // 16 * 2
        # The line behind the last one has no pixels; runs of four bits are
        # filled up to a byte.
        if x > width + (bits == 4) or y > height or (y == height and x):
            raise ValueError("it is damaged")
    raise ValueError("its end is missing")
