"""WebP: decoded once more with less data, which must fail.

The format has no checksum, and its decoder makes something of any bytes.
But an undamaged picture needs its data to the end: one that can be decoded
with the last bytes of a part cut off did not read what was written.
"""

from collections.abc import Iterator

import cv2
import numpy as np

# No encoder leaves as many bytes unused.
CUT = 8
HEADER = 12
Chunk = tuple[bytes, bytes]


def is_webp(data: bytes) -> bool:
    """Whether the data begin as a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def check(data: bytes) -> None:
    """Looks at the chunks, and whether the picture needs all of its data.

    Raises:
        ValueError: If it is damaged, or the end is missing.
    """
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise ValueError("its end is missing")
    for kind, body in chunks(data):
        if kind in (b"VP8 ", b"VP8L") and any(
            map(can_be_decoded, shortened(kind, body))
        ):
            raise ValueError("it is damaged")


def chunks(data: bytes) -> list[Chunk]:
    """Name and contents of each part."""
    found = []
    position = HEADER
    end = 8 + int.from_bytes(data[4:8], "little")
    while position + 8 <= end:
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if position + 8 + length > end:
            raise ValueError("it is damaged")
        kind = data[position : position + 4]
        found.append((kind, data[position + 8 : position + 8 + length]))
        position += 8 + length + length % 2
    return found


def shortened(kind: bytes, body: bytes) -> Iterator[bytes]:
    """Files of the picture with one of its parts cut.

    Lossy ones have two: how blocks are predicted, and what is added.
    """
    yield file_of(kind, body[:-CUT])
    if kind == b"VP8 " and len(body) > 10:
        tag = int.from_bytes(body[:3], "little")
        first = tag >> 5
        if first > CUT:
            tag = (tag & 31) | (first - CUT) << 5
            yield file_of(
                kind,
                tag.to_bytes(3, "little")
                + body[3 : 10 + first - CUT]
                + body[10 + first :],
            )


def file_of(kind: bytes, body: bytes) -> bytes:
    """A file with one chunk."""
    padded = body + bytes(len(body) % 2)
    size = (len(padded) + 12).to_bytes(4, "little")
    head = kind + len(body).to_bytes(4, "little")
    return b"RIFF" + size + b"WEBP" + head + padded


def can_be_decoded(data: bytes) -> bool:
    """Whether OpenCV makes a picture of it."""
    try:
        buffer = np.frombuffer(data, np.uint8)
        return cv2.imdecode(buffer, cv2.IMREAD_COLOR) is not None
    except cv2.error:
        return False
