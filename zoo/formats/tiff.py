"""TIFF: a list of tags, and pixels in strips or tiles.

OpenCV gives what it could decode of damaged strips, and drops the alpha of
gray pictures. Here the strips are unpacked: a strip whose data do not fit
its packing, or give too few pixels, is damaged.
"""

import dataclasses
import itertools
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np

from keras_hypersphere.zoo.formats import jpeg, lzw

STARTS = (b"II*\x00", b"MM\x00*")
# Bytes of a value of each type; the letters are those of `struct`.
TYPES = {1: "B", 2: "c", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i"}
WIDTH, HEIGHT, BITS, PACKING, COLORS = 256, 257, 258, 259, 262
OFFSETS, SAMPLES, ROWS, COUNTS, PLANES = 273, 277, 278, 279, 284
ORIENTATION, PREDICTOR, EXTRA = 274, 317, 338
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_COUNTS = 322, 323, 324, 325
JPEG_TABLES = 347
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
        place: Where the tags begin and end in the file.
    """

    order: str
    tags: dict[int, tuple]
    place: tuple[int, int]

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
    return Layout(order, tags, (start, start + 2 + 12 * count))


def packed_strips(data: bytes, layout: Layout) -> list[tuple[bytes, int]]:
    """The strips as stored, and how many bytes each must give.

    None where pixels are tiles, packed in a way that is another's matter (as
    JPEG in TIFF), or no whole bytes.

    Raises:
        ValueError: If one is missing.
    """
    offsets = layout.tags.get(OFFSETS)
    if layout.one(PACKING, 1) not in UNPACK or offsets is None:
        return []
    counts = layout.tags.get(COUNTS)
    if layout.bits % 8 or counts is None:
        return []
    height = layout.one(HEIGHT, 0)
    rows = min(layout.one(ROWS, height), height) or height
    if not rows or not layout.row_bytes:
        raise ValueError("it is damaged")
    each = -(-height // rows)
    planes = layout.one(SAMPLES, 1) // layout.together
    if len(counts) != len(offsets) or len(offsets) != each * planes:
        raise ValueError("it is damaged")
    found = []
    for number, (offset, count) in enumerate(zip(offsets, counts, strict=True)):
        if offset + count > len(data):
            raise ValueError("its end is missing")
        mine = min(rows, height - number % each * rows)
        found.append((data[offset : offset + count], mine * layout.row_bytes))
    return found


def packed_tiles(data: bytes, layout: Layout) -> list[tuple[bytes, int]]:
    """The tiles as stored, and how many bytes each must give.

    None where pixels are strips, packed in a way that is another's matter, or
    no whole bytes.

    Raises:
        ValueError: If one is missing.
    """
    offsets, counts = (layout.tags.get(tag) for tag in (TILES, TILE_COUNTS))
    if layout.one(PACKING, 1) not in UNPACK or not offsets or not counts:
        return []
    width, height = (layout.one(tag, 0) for tag in (TILE_WIDTH, TILE_HEIGHT))
    if layout.bits % 8 or OFFSETS in layout.tags:
        return []
    if not width or not height:
        raise ValueError("it is damaged")
    each = -(-layout.one(WIDTH, 0) // width) * -(
        -layout.one(HEIGHT, 0) // height
    )
    planes = layout.one(SAMPLES, 1) // layout.together
    if not len(offsets) == len(counts) == each * planes:
        raise ValueError("it is damaged")
    size = width * height * layout.together * layout.bits // 8
    places = list(zip(offsets, counts, strict=True))
    if any(offset + count > len(data) for offset, count in places):
        raise ValueError("its end is missing")
    return [(data[offset : offset + count], size) for offset, count in places]


def check_places(layout: Layout) -> None:
    """Looks whether strips or tiles lie in each other, or in the tags.

    The same place twice is no damage: of parts that are alike.

    Raises:
        ValueError: If an offset or a length was overwritten.
    """
    tags = layout.tags
    found = sorted(
        {
            (offset, offset + count)
            for starts, counts in ((OFFSETS, COUNTS), (TILES, TILE_COUNTS))
            for offset, count in zip(
                tags.get(starts, ()), tags.get(counts, ()), strict=False
            )
            if count
        }
        | {layout.place, (0, 8)}
    )
    for (_, end), (start, _) in itertools.pairwise(found):
        if start < end:
            raise ValueError("it is damaged")


def check(data: bytes, layout: Layout) -> None:
    """Looks at every strip or tile.

    Raises:
        ValueError: If one is damaged, or missing.
    """
    check_places(layout)
    if layout.one(PACKING, 1) == JPEG:
        check_jpegs(data, layout)
    strips = packed_strips(data, layout) or packed_tiles(data, layout)
    for packed, size in strips:
        if layout.one(PACKING, 1) != LZW:
            unpack = UNPACK[layout.one(PACKING, 1)]
            given = len(unpack(packed, strips[0][1]))
        elif lzw.is_of_early_years(packed):
            return
        else:
            given = lzw.unpacked_length(packed)
        # Some writers fill the last strip up to the size of the first.
        full = given == strips[0][1] or layout.one(PACKING, 1) == 1
        if given < size or (given > size and not full):
            raise ValueError("it is damaged")


def check_jpegs(data: bytes, layout: Layout) -> None:
    """Looks at strips or tiles that are JPEGs: libtiff decodes broken ones.

    Raises:
        ValueError: If one is damaged, or missing.
    """
    # All strips share these tables: they stand before each one's own parts.
    tables = bytes(layout.tags.get(JPEG_TABLES, ())).removesuffix(jpeg.END)
    for starts, counts in ((OFFSETS, COUNTS), (TILES, TILE_COUNTS)):
        for offset, count in zip(
            layout.tags.get(starts, ()),
            layout.tags.get(counts, ()),
            strict=False,
        ):
            strip = data[offset : offset + count]
            if len(strip) < count:
                raise ValueError("its end is missing")
            if not strip.startswith(jpeg.START):
                raise ValueError("it is damaged")
            whole = (tables or jpeg.START) + strip[len(jpeg.START) :]
            if jpeg.decode(whole, cv2.IMREAD_GRAYSCALE) is None:
                raise ValueError("it is damaged")


def inflate(packed: bytes, most: int) -> bytes:
    """Unpacks deflated data, which have a checksum."""
    machine = zlib.decompressobj()
    try:
        unpacked = machine.decompress(packed, most + 1)
    except zlib.error:
        raise ValueError("it is damaged") from None
    # Bytes behind the end are no damage.
    if not machine.eof:
        raise ValueError("it is damaged")
    return unpacked


def unpack_bits(packed: bytes, most: int) -> bytes:
    """Unpacks runs and copies of bytes."""
    parts, position = [], 0
    while position < len(packed):
        head = packed[position]
        start = position + 1
        if head < 128:
            position = start + head + 1
            parts.append(packed[start:position])
        elif head > 128:
            position = start + 1
            parts.append(packed[start:position] * (257 - head))
        else:
            position = start
    return b"".join(parts)


LZW, JPEG = 5, 7
# Packed bytes, and how many there may be unpacked.
UNPACK: dict[int, Callable[[bytes, int], bytes]] = {
    1: lambda packed, most: packed,
    LZW: lambda packed, most: lzw.unpack(packed),
    8: inflate,
    32773: unpack_bits,
    32946: inflate,
}


def alpha_of_gray(data: bytes, layout: Layout) -> np.ndarray:
    """The alpha of a gray picture, `(height, width)`, upright.

    Raises:
        ValueError: If its samples are stored in another way than is known.
    """
    packed = packed_strips(data, layout)
    if not packed or layout.bits not in (8, 16):
        raise ValueError(
            "gray with transparency is understood with 8 or 16 bits only, "
            "in strips"
        )
    height, width = layout.one(HEIGHT, 0), layout.one(WIDTH, 0)
    kind = np.dtype(f"{layout.order}u{layout.bits // 8}")
    unpack = UNPACK[layout.one(PACKING, 1)]
    found = b"".join(
        unpack(strip, packed[0][1])[:size] for strip, size in packed
    )
    values = np.frombuffer(found, kind)
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
