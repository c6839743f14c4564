"""LMDB's pages: the keys of a database, and where their values are.

The library maps the file and trusts it: a file that is cut off, or a page
with a wrong number in it, kills the process. Here each number is looked at
first, and values are then read like those of any other file.

Format: LMDB 0.9, `MDB_DATA_VERSION` 1, of a machine with 64 bits,
little-endian. One database, each key once.
"""

import array
import struct
from typing import Any, NamedTuple

import numpy as np

from keras_hypersphere.face_files.open_file import OpenFile
from keras_hypersphere.face_files.texts import Texts

MAGIC, VERSION = 0xBEEFC0DE, 1
# Number, pad, flags, end of the pointers, begin of the nodes.
PAGE = struct.Struct("<QHHHH")
BRANCH, LEAF = 0x01, 0x02
# magic, version, address, size of the map; free pages and the main database:
# pad, flags, depth, pages of three kinds, entries, root; last page, id.
META = struct.Struct("<IIQQ" + "IHHQQQQQ" * 2 + "QQ")
NODE = struct.Struct("<HHHH")
# Flags of a node: the value is on pages of its own; a database; several.
BIG, DATABASE, SEVERAL = 0x01, 0x02, 0x04
NOWHERE = 2**64 - 1
DEEPEST = 32


class Values(NamedTuple):
    """Keys in order, and where the value of each is."""

    keys: Texts
    starts: np.ndarray
    lengths: np.ndarray


class Meta(NamedTuple):
    """What the newer of the two first pages says."""

    page: int
    entries: int
    root: int
    last: int


def find_values(file: OpenFile) -> Values:
    """Finds all values of a database.

    Raises:
        ValueError: If the file is damaged, or none.
    """
    meta = read_meta(file)
    need = (meta.last + 1) * meta.page
    if file.size < need and meta.root != NOWHERE:
        raise file.damaged(
            file.size, f"the file ends here, its pages at byte {need}"
        )
    keys: list[bytes] = []
    starts, lengths = array.array("q"), array.array("q")
    with file.mapped() as data:
        pages = [(meta.root, 1)] if meta.root != NOWHERE else []
        seen = set()
        while pages:
            number, depth = pages.pop()
            if not 2 <= number <= meta.last or depth > DEEPEST:
                raise file.damaged(16, f"a page {number} of {meta.last}")
            place = number * meta.page
            if number in seen:
                raise file.damaged(place, f"page {number} is there twice")
            seen.add(number)
            flags, nodes = nodes_of(file, data, place, meta.page)
            if flags & BRANCH:
                # The last one is taken up first.
                pages += [
                    (low | high << 16 | top << 32, depth + 1)
                    for _, low, high, top, _ in reversed(nodes)
                ]
                continue
            for node in nodes:
                take(file, data, meta, place, node, keys, starts, lengths)
    if len(keys) != meta.entries:
        raise file.damaged(
            0, f"{meta.entries} values are announced, {len(keys)} are there"
        )
    return Values(
        Texts(keys),
        np.frombuffer(starts, np.int64).copy(),
        np.frombuffer(lengths, np.int64).copy(),
    )


def read_meta(file: OpenFile) -> Meta:
    """Reads the newer one of the first two pages."""
    found = []
    size = 0
    for index in range(2):
        place = index * size
        if file.size < place + PAGE.size + META.size:
            raise file.damaged(file.size, "the file ends within its first page")
        values = META.unpack(file.read(place + PAGE.size, META.size))
        if values[:2] != (MAGIC, VERSION):
            raise file.damaged(
                place + PAGE.size,
                "expected an LMDB data file (version 1, little-endian)",
            )
        if not index:
            size = values[4]
            if size not in {2**n for n in range(8, 17)}:
                raise file.damaged(place + 40, f"pages of {size} bytes")
        flags, entries, root = values[13], values[18], values[19]
        if flags & SEVERAL:
            raise ValueError(
                f"'{file.path}' has several values a key; expected one."
            )
        found.append((values[21], Meta(size, entries, root, values[20])))
    return max(found)[1]


def nodes_of(
    file: OpenFile, data: Any, place: int, size: int
) -> tuple[int, list[tuple[int, ...]]]:
    """Flags of a page; place, two halves, flags, key length of its nodes."""
    _, _, flags, lower, upper = PAGE.unpack_from(data, place)
    if flags not in (BRANCH, LEAF):
        raise file.damaged(place, f"a page with flags {flags:#x} is here")
    if not PAGE.size <= lower <= upper <= size or lower % 2:
        raise file.damaged(place, "a page without room is here")
    nodes = []
    count = (lower - PAGE.size) // 2
    for offset in struct.unpack_from(f"<{count}H", data, place + PAGE.size):
        if not upper <= offset <= size - NODE.size:
            raise file.damaged(place, f"a node outside of its page, {offset}")
        node = NODE.unpack_from(data, place + offset)
        if offset + NODE.size + node[3] > size:
            raise file.damaged(place + offset, "a key outside of its page")
        nodes.append((place + offset, *node))
    return flags, nodes


def take(
    file: OpenFile,
    data: Any,
    meta: Meta,
    page: int,
    node: tuple[int, ...],
    keys: list[bytes],
    starts: "array.array[int]",
    lengths: "array.array[int]",
) -> None:
    """Adds a leaf's node to the lists."""
    place, low, high, flags, size = node
    if flags & (DATABASE | SEVERAL):
        raise ValueError(
            f"'{file.path}' holds databases with names (byte {place}); "
            "expected Caffe's: one database with a photo a key."
        )
    key = place + NODE.size
    start, length = key + size, low | high << 16
    end = page + meta.page
    if flags & BIG:
        if start + 8 > end:
            raise file.damaged(place, "a value outside of its page")
        (number,) = struct.unpack_from("<Q", data, start)
        if not 2 <= number <= meta.last:
            raise file.damaged(start, f"a page {number} of {meta.last}")
        start = number * meta.page + PAGE.size
        end = (meta.last + 1) * meta.page
    if start + length > end:
        raise file.damaged(place, f"a value of {length} bytes that ends late")
    keys.append(data[key : key + size])
    starts.append(start)
    lengths.append(length)
