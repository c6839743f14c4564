"""RecordIO, the file format of MXNet: chunks, and records made of them.

A chunk is a magic number, a word of 3 bits (whole, first, middle, last) and
29 bits (length), the bytes, and zeros up to a multiple of 4. A record that
holds the magic number at a multiple of 4 is cut there into several chunks,
without these 4 bytes. So the magic number stands only where chunks begin.
"""

import array
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.face_files.open_file import OpenFile

MAGIC = 0xCED7230A
MAGIC_BYTES = struct.pack("<I", MAGIC)
CHUNK = struct.Struct("<II")
WHOLE, FIRST, MIDDLE, LAST = range(4)
LONGEST = 2**29 - 1


def read_record(file: OpenFile, place: int) -> bytes:
    """Returns a record, whose first chunk begins at byte `place`.

    Raises:
        ValueError: If there is none, or it is damaged.
    """
    parts: list[bytes] = []
    while True:
        part, length = chunk(file, place, file.read(place, CHUNK.size))
        if (part in (WHOLE, FIRST)) != (not parts):
            raise file.damaged(place, f"a part {part} of a record is here")
        parts.append(file.read(place + CHUNK.size, length))
        if part in (WHOLE, LAST):
            return b"".join(parts)
        parts.append(MAGIC_BYTES)
        place += CHUNK.size + padded(length)


def chunk(file: OpenFile, place: int, head: bytes) -> tuple[int, int]:
    """What the head of a chunk says: which part of a record, and length."""
    magic, word = CHUNK.unpack(head)
    part, length = word >> 29, word & LONGEST
    if magic != MAGIC or part > LAST:
        raise file.damaged(place, "no record of RecordIO begins here")
    if place + CHUNK.size + length > file.size:
        raise file.damaged(
            place,
            f"a record of {length} bytes begins here, and the file ends at "
            f"byte {file.size}",
        )
    return part, length


def padded(length: int) -> int:
    """Bytes that a chunk's content takes."""
    return (length + 3) // 4 * 4


def find_records(file: OpenFile, whole: bool = True) -> tuple[np.ndarray, int]:
    """Walks through a file from its beginning.

    Args:
        file: The file.
        whole: Whether something that is no whole record is an error; if
            not, the file is read as far as it goes.

    Returns:
        Where each record begins, in the order of the file, and where the
        last one ends.
    """
    places = array.array("q")
    place, inside, end = 0, False, 0
    with file.mapped() as data:
        while place < file.size:
            if file.size - place < CHUNK.size:
                if not whole:
                    break
                raise file.damaged(place, "half a head of a record is here")
            magic, word = CHUNK.unpack_from(data, place)
            part = word >> 29
            if magic != MAGIC or (part in (MIDDLE, LAST)) != inside:
                if not whole:
                    break
                raise file.damaged(place, "no record of RecordIO begins here")
            if not inside:
                places.append(place)
            inside = part in (FIRST, MIDDLE)
            if part > LAST or place + CHUNK.size + (word & LONGEST) > file.size:
                if not whole:
                    break
                chunk(file, place, data[place : place + CHUNK.size])
            place += CHUNK.size + ((word & LONGEST) + 3) // 4 * 4
            if not inside and place <= file.size:
                end = place
    if whole and (inside or place > file.size):
        raise file.damaged(file.size, "the last record has no end")
    found = np.frombuffer(places, np.int64)
    return found[found < end].copy(), end


def write_record(file: Any, record: bytes) -> int:
    """Writes a record at a file's place. Returns how many bytes that took."""
    written = 0
    parts = list(parts_of(record))
    for number, part in enumerate(parts):
        if len(part) > LONGEST:
            raise ValueError(
                f"A record may have {LONGEST} bytes. Received: {len(part)}."
            )
        flag = WHOLE
        if len(parts) > 1:
            flag = FIRST if not number else MIDDLE
            flag = LAST if number == len(parts) - 1 else flag
        zeros = bytes(padded(len(part)) - len(part))
        head = CHUNK.pack(MAGIC, flag << 29 | len(part))
        written += file.write(head + part + zeros)
    return written


def parts_of(record: bytes) -> Iterator[bytes]:
    """A record cut where the magic number stands at a multiple of 4."""
    start = found = 0
    while (found := record.find(MAGIC_BYTES, found)) >= 0:
        if found % 4:
            found += 1
            continue
        yield record[start:found]
        start = found = found + 4
    yield record[start:]


def read_index(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns keys and places of an `.idx` file, sorted by key.

    Raises:
        ValueError: If a line is not two whole numbers, or a key comes twice.
    """
    pieces = []
    rest, begin = b"", 0
    with path.open("rb") as file:
        while block := file.read(2**22):
            block = rest + block
            cut = block.rfind(b"\n") + 1
            pieces.append(numbers(path, begin, block[:cut]))
            rest, begin = block[cut:], begin + cut
            if len(rest) > 1000:
                raise bad_line(path, begin)
    pieces.append(numbers(path, begin, rest + b"\n"))
    both = np.concatenate(pieces).reshape(-1, 2)
    keys, places = both[np.argsort(both[:, 0], kind="stable")].T
    twice = np.flatnonzero(keys[1:] == keys[:-1])
    if len(twice):
        raise ValueError(
            f"'{path}' has key {keys[twice[0]]} twice. Remove the file: the "
            "records are then found without it."
        )
    return np.ascontiguousarray(keys), np.ascontiguousarray(places)


def numbers(path: Path, begin: int, block: bytes) -> np.ndarray:
    """The numbers of whole lines, two a line, without Python for each."""
    text = np.frombuffer(block, np.uint8)
    digit = (text >= ord("0")) & (text <= ord("9"))
    edges = np.flatnonzero(np.diff(digit, prepend=False, append=False))
    starts, stops = edges[::2], edges[1::2]
    lengths = stops - starts
    lines = np.cumsum(text == ord("\n"))
    wrong = np.zeros(len(starts), bool)
    if len(starts):
        # Two numbers in a line; blank lines do no harm.
        line = lines[starts]
        wrong[::2] = np.diff(line[::2], prepend=-1) == 0
        wrong[1::2] = line[1::2] != line[::2][: len(line[1::2])]
        wrong[-1] |= len(starts) % 2 == 1
        wrong |= lengths > 18
    other = ~digit & ~np.isin(text, np.frombuffer(b"\t\n\r ", np.uint8))
    if other.any() or wrong.any():
        first = [*np.flatnonzero(other)[:1], *starts[wrong][:1]]
        raise bad_line(path, begin + int(min(first)))
    values = np.zeros(len(starts), np.int64)
    for place in range(int(lengths.max(initial=0))):
        more = place < lengths
        values[more] += (
            text[stops[more] - 1 - place].astype(np.int64) - ord("0")
        ) * 10**place
    return values


def bad_line(path: Path, place: int) -> ValueError:
    """The error of an index that is none."""
    return ValueError(
        f"'{path}' is damaged at byte {place}: expected lines of a key, a tab "
        "and a byte offset. Remove the file: the records are then found "
        "without it."
    )
