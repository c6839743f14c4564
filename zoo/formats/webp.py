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
# Parts that are pictures; an animation has them in its frames.
PICTURES = {b"VP8 ", b"VP8L", b"ANMF"}
# Of the extended header: what else is there.
FLAGS = {0x20: b"ICCP", 0x08: b"EXIF", 0x04: b"XMP ", 0x02: b"ANIM"}
LOSSY, LOSSLESS = b"\x9d\x01\x2a", b"\x2f"


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
    found = chunks(data)
    check_headers(found)
    for kind, body in found:
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
    # Less than a header is left of a part whose length was overwritten.
    if position < end:
        raise ValueError("it is damaged")
    return found


def check_headers(found: list[Chunk]) -> None:
    """Compares what the parts say of each other and of themselves.

    Raises:
        ValueError: If it cannot be right.
    """
    kinds = [kind for kind, _ in found]
    pictures = PICTURES.intersection(kinds)
    # A name is four printable signs, also one that nobody knows.
    if not pictures or not all(map(is_name, kinds)):
        raise ValueError("it is damaged")
    canvas = None
    for kind, body in found:
        if kind == b"VP8X" and len(body) >= 10:
            canvas = tuple(
                1 + int.from_bytes(body[at : at + 3], "little") for at in (4, 7)
            )
            lost = [
                name
                for flag, name in FLAGS.items()
                if body[0] & flag and name not in kinds
            ]
            if lost:
                raise ValueError("it is damaged")
        elif kind == b"VP8 ":
            size = lossy_size(body)
        elif kind == b"VP8L":
            size = lossless_size(body)
        else:
            continue
        if kind != b"VP8X" and canvas not in (None, size):
            raise ValueError("it is damaged")


def is_name(kind: bytes) -> bool:
    """Whether four bytes may name a part."""
    return all(32 <= sign < 127 for sign in kind)


def lossy_size(body: bytes) -> tuple[int, int]:
    """Width and height of a lossy picture, whose partitions are looked at.

    The first partition tells how blocks are predicted; those behind it, of
    which a table has the sizes, what is added. How many they are is coded in
    the first one; one of them at least is there.

    Raises:
        ValueError: If the header or the sizes cannot be right.
    """
    tag = int.from_bytes(body[:3], "little")
    first = tag >> 5
    # A key frame that is shown, of a version that there is.
    right = tag & 1 == 0 and tag >> 1 & 7 <= 3 and tag >> 4 & 1
    if not right or body[3:6] != LOSSY or 10 + first >= len(body):
        raise ValueError("it is damaged")
    width, height = (
        int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8)
    )
    if not width or not height:
        raise ValueError("it is damaged")
    return width, height


def lossless_size(body: bytes) -> tuple[int, int]:
    """Width and height of a lossless picture.

    Raises:
        ValueError: If the header cannot be right.
    """
    bits = int.from_bytes(body[1:5], "little")
    if body[:1] != LOSSLESS or bits >> 29:
        raise ValueError("it is damaged")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


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
