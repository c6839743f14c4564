"""AVIF and HEIC: boxes in boxes, one of which says how a picture is turned."""

import struct
from collections.abc import Callable, Iterator

import numpy as np

AVIF = {b"avif", b"avis"}
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
Turn = Callable[[np.ndarray], np.ndarray]


def brands(data: bytes) -> set[bytes]:
    """What kinds of file it says it is; none if it has no such box."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4], "big"), len(data))
    return {data[8:12], *(data[i : i + 4] for i in range(16, end, 4))}


def turns(data: bytes) -> list[Turn]:
    """How the decoded picture is made upright: OpenCV leaves that to us.

    Raises:
        ValueError: If the boxes cannot be followed.
    """
    try:
        meta = inside(data, b"meta")[4:]
        primary_box = inside(meta, b"pitm")
        size = 4 if primary_box[0] else 2
        primary = int.from_bytes(primary_box[4 : 4 + size], "big")
        properties = inside(meta, b"iprp")
        boxes = list(walk(inside(properties, b"ipco")))
        places = associations(inside(properties, b"ipma"))[primary]
        found = [turn_of(*boxes[place - 1]) for place in places if place]
    except (KeyError, IndexError, struct.error):
        raise ValueError("it is damaged") from None
    return [turn for turn in found if turn is not None]


def walk(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and contents of each box."""
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        end = position + size if size else len(data)
        if end < position + head or end > len(data):
            raise KeyError(kind)
        yield kind, data[position + head : end]
        position = end


def inside(data: bytes, name: bytes) -> bytes:
    """The contents of the first box of a name."""
    for kind, body in walk(data):
        if kind == name:
            return body
    raise KeyError(name)


def associations(body: bytes) -> dict[int, list[int]]:
    """The places of the properties of each item."""
    version, wide = body[0], body[3] & 1
    (count,) = struct.unpack_from(">I", body, 4)
    position = 8
    items = {}
    for _ in range(count):
        item, number = struct.unpack_from(
            ">HB" if version == 0 else ">IB", body, position
        )
        position += 3 if version == 0 else 5
        form, mask = ("H", 0x7FFF) if wide else ("B", 0x7F)
        places = struct.unpack_from(f">{number}{form}", body, position)
        position += number * (2 if wide else 1)
        items[item] = [place & mask for place in places]
    return items


def turn_of(kind: bytes, body: bytes) -> Turn | None:
    """What a property does to pixels, if it turns or mirrors them."""
    if kind == b"irot":
        quarters = body[0] & 3
        return lambda pixels: np.rot90(pixels, quarters)
    if kind == b"imir":
        axis = body[0] & 1
        return lambda pixels: np.flip(pixels, axis)
    return None
