"""TIFF: a list of tags, and pixels in strips or tiles.

OpenCV gives what it could decode of damaged strips, and drops the alpha of
gray pictures. Here the strips are unpacked: a strip whose data do not fit
its packing, or give too few pixels, is damaged.
"""

import dataclasses
import struct
import zlib
from collections.abc import Callable

import numpy as np

from keras_hypersphere.zoo.formats.lzw import unpack_lzw

STARTS = (b"II*\x00", b"MM\x00*")
# Bytes of a value of each type; the letters are those of `struct`.
TYPES = {1: "B", 2: "c", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i"}
WIDTH, HEIGHT, BITS, PACKING, COLORS = 256, 257, 258, 259, 262
OFFSETS, SAMPLES, ROWS, COUNTS, PLANES = 273, 277, 278, 279, 284
ORIENTATION, PREDICTOR, EXTRA = 274, 317, 338
# How each orientation becomes upright: quarters against the clock, after
# mirroring.
TURNS = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (1, True),
    6: (3, False),
    7: (3, True),
    8: (1, False),
}


@dataclasses.dataclass(frozen=True)
class Layout:
    """What the tags of the first picture say of its strips.

    Args:
        order: `<` or `>`, the order of bytes.
        tags: The values of each tag.
    """

    order: str
    tags: dict[int, tuple]

    def one(self, tag: int, default: int) -> int:
        """The first value of a tag."""
        return int(self.tags.get(tag, (default,))[0])

    @property
    def bits(self) -> int:
        """Of one sample."""
        return self.one(BITS, 1)

    @property
    def together(self) -> int:
        """Samples of a pixel that stand next to each other."""
        return self.one(SAMPLES, 1) if self.one(PLANES, 1) == 1 else 1

    @property
    def row_bytes(self) -> int:
        """Of a row of pixels, unpacked."""
        return (self.one(WIDTH, 0) * self.together * self.bits + 7) // 8

    @property
    def is_gray_with_alpha(self) -> bool:
        """Whether OpenCV would drop the alpha."""
        return (
            self.one(SAMPLES, 1) == 2
            and self.one(EXTRA, 0) in (1, 2)
            and self.one(COLORS, 1) in (0, 1)
        )


def read_layout(data: bytes) -> Layout:
    """Reads the tags of the first picture.

    Raises:
        ValueError: If they lie outside of the file.
    """
    order = "<" if data[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        tags = {}
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from(f"{order}HHI", data, place)
            if kind not in TYPES:
                continue
            form = f"{order}{number}{TYPES[kind]}"
            at = place + 8
            if struct.calcsize(form) > 4:
                (at,) = struct.unpack_from(f"{order}I", data, at)
            if struct.calcsize(form) + at > len(data):
                raise ValueError("it is damaged")
            if number:
                tags[tag] = struct.unpack_from(form, data, at)
    except struct.error:
        raise ValueError("its end is missing") from None
    return Layout(order, tags)


def strips(data: bytes, layout: Layout) -> list[bytes] | None:
    """The unpacked strips; None where their packing is another's matter.

    Raises:
        ValueError: If one is damaged, or missing.
    """
    packing = layout.one(PACKING, 1)
    offsets = layout.tags.get(OFFSETS)
    if packing not in UNPACK or offsets is None or layout.bits % 8:
        return None
    counts = layout.tags.get(COUNTS, ())
    height = layout.one(HEIGHT, 0)
    rows = min(layout.one(ROWS, height), height) or height
    each = -(-height // rows) if rows else 0
    planes = layout.one(SAMPLES, 1) // layout.together
    if len(counts) != len(offsets) or len(offsets) != each * planes:
        raise ValueError("it is damaged")
    found = []
    for number, (offset, count) in enumerate(zip(offsets, counts, strict=True)):
        if offset + count > len(data):
            raise ValueError("its end is missing")
        mine = min(rows, height - number % each * rows)
        size = mine * layout.row_bytes
        unpacked = UNPACK[packing](data[offset : offset + count], size)
        if unpacked is None:
            return None
        if len(unpacked) < size:
            raise ValueError("it is damaged")
        found.append(unpacked[:size])
    return found


def inflate(packed: bytes, size: int) -> bytes:
    """Unpacks deflated data, which have a checksum."""
    try:
        return zlib.decompress(packed)
    except zlib.error:
        machine = zlib.decompressobj()
        try:
            unpacked = machine.decompress(packed)
        except zlib.error:
            raise ValueError("it is damaged") from None
        # Bytes behind the end are no damage.
        if not machine.eof:
            raise ValueError("it is damaged") from None
        return unpacked


def unpack_bits(packed: bytes, size: int) -> bytes:
    """Unpacks runs and copies of bytes."""
    parts, position, length = [], 0, 0
    while length < size and position < len(packed):
        head = packed[position]
        if head < 128:
            part = packed[position + 1 : position + 2 + head]
            position += 2 + head
        else:
            part = packed[position + 1 : position + 2] * (257 - head)
            position += 2
            if head == 128:
                position -= 1
                continue
        parts.append(part)
        length += len(part)
    if length > size:
        raise ValueError("it is damaged")
    return b"".join(parts)


UNPACK: dict[int, Callable[[bytes, int], bytes | None]] = {
    1: lambda packed, size: packed,
    5: unpack_lzw,
    8: inflate,
    32773: unpack_bits,
    32946: inflate,
}


def alpha_of_gray(layout: Layout, found: list[bytes] | None) -> np.ndarray:
    """The alpha of a gray picture, `(height, width)`, upright.

    Raises:
        ValueError: If its samples are stored in another way than is known.
    """
    if found is None or layout.bits not in (8, 16):
        raise ValueError(
            "gray with transparency is understood with 8 or 16 bits only, "
            "in strips"
        )
    height, width = layout.one(HEIGHT, 0), layout.one(WIDTH, 0)
    kind = np.dtype(f"{layout.order}u{layout.bits // 8}")
    values = np.frombuffer(b"".join(found), kind)
    together = layout.together
    if together == 1:
        # All gray comes first.
        values = values[values.size // 2 :]
    samples = values.reshape(height, width, together)
    if layout.one(PREDICTOR, 1) == 2:
        samples = np.cumsum(samples, axis=1, dtype=kind.newbyteorder("="))
    alpha = samples[:, :, -1].astype(kind.newbyteorder("="))
    quarters, mirrored = TURNS.get(layout.one(ORIENTATION, 1), (0, False))
    return np.rot90(alpha[:, ::-1] if mirrored else alpha, quarters)
