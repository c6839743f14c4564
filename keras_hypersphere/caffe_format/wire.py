"""protobuf's binary format, walked without reading the weights.

A caffemodel is a few kilobytes of structure around megabytes of numbers.
`lighten` copies the structure, so that protobuf can parse (and so check) it,
and notes where the numbers are. The file is read in small pieces; nothing
is allocated that a damaged length asks for.

Amounts are bounded: protobuf makes hundreds of bytes of an empty layer,
which is three bytes in a file.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MOST_FIELDS = 200_000
MOST_STRUCTURE = 16 * 2**20
# Chunks of packed numbers in one blob; Caffe writes one.
MOST_CHUNKS = 1000

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
# message → number of a field → the message that it holds.
NESTED = {
    "net": {100: "layer", 2: "layer of 2014"},
    "layer": {7: "blob"},
    "layer of 2014": {6: "blob", 1: "layer of 2013"},
    "layer of 2013": {50: "blob"},
}
NUMBERS = {5: "<f4", 6: "<f4", 8: "<f8", 9: "<f8"}
DIFFS = (6, 9)
# `raw_data` and `raw_diff`, whose type another field says.
RAW, RAW_DIFF = 12, 13
# `double_diff: [index]`: tag, length, number.
BLOB_INDEX = struct.Struct("<BBd")


class DamagedError(ValueError):
    """The bytes are not protobuf's, or too many."""


class Field(NamedTuple):
    """One field of a message: its number, wire type, and place."""

    number: int
    wire: int
    begin: int  # of the tag
    start: int  # of the content
    stop: int


class Stored(NamedTuple):
    """Where a blob is.

    Attributes:
        start, stop: The whole message.
        chunks: `(type, start, stop)` of packed numbers, `"raw"` for a type
            that the message says; None if they are written one by one, or
            in pieces too many.
    """

    start: int
    stop: int
    chunks: list[tuple[str, int, int]] | None


class Walk:
    """Reads a network's structure.

    Args:
        stream: A file of bytes that can be sought.
        size: Its length.

    Attributes:
        blobs: Where each blob is. In the lightened messages a blob has its
            index here as its one `double_diff`.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream = stream
        self.size = size
        self.blobs: list[Stored] = []
        self.fields_left = MOST_FIELDS
        self.bytes_left = MOST_STRUCTURE

    def lighten(self) -> bytes:
        """The network without its numbers.

        Raises:
            DamagedError: If the file is cut off, or is not a network.
        """
        return self.message("net", 0, self.size)

    def message(self, kind: str, start: int, stop: int) -> bytes:
        """A message that may hold blobs, without their numbers."""
        pieces = []
        for field in self.fields(start, stop):
            inner = NESTED[kind].get(field.number)
            if inner is None or field.wire != BYTES:
                pieces.append(self.copy(field.begin, field.stop))
                continue
            if inner == "blob":
                body = self.blob(field.start, field.stop)
            else:
                body = self.message(inner, field.start, field.stop)
            pieces += [encode(field.number << 3 | BYTES), encode(len(body))]
            pieces.append(body)
        return b"".join(pieces)

    def blob(self, start: int, stop: int) -> bytes:
        """A blob's shape and its index."""
        pieces: list[bytes] = []
        chunks: list[tuple[str, int, int]] = []
        mixed = False
        for field in self.fields(start, stop):
            dtype = NUMBERS.get(field.number)
            if field.number in (RAW, RAW_DIFF) and field.wire == BYTES:
                if field.number == RAW:
                    chunks.append(("raw", field.start, field.stop))
            elif dtype is None:
                pieces.append(self.copy(field.begin, field.stop))
            elif field.wire != BYTES or len(chunks) == MOST_CHUNKS:
                mixed = True
                break
            elif (field.stop - field.start) % int(dtype[-1]):
                raise DamagedError(f"has half a number at byte {field.stop}")
            elif field.number not in DIFFS:
                chunks.append((dtype, field.start, field.stop))
        self.blobs.append(Stored(start, stop, None if mixed else chunks))
        if mixed:
            # Whoever wants it lets protobuf read the message.
            pieces = []
        index = BLOB_INDEX.pack(9 << 3 | BYTES, 8, len(self.blobs) - 1)
        return b"".join(pieces) + index

    def fields(self, start: int, stop: int) -> Iterator[Field]:
        """Yields the fields between two places of the file."""
        place = start
        while place < stop:
            self.fields_left -= 1
            if self.fields_left < 0:
                raise DamagedError(f"has more than {MOST_FIELDS} fields")
            begin = place
            self.stream.seek(begin)
            tag, place = self.varint(begin, stop)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 2**29:
                raise DamagedError(f"has field {number} at byte {begin}")
            if wire == VARINT:
                content = place
                _, place = self.varint(place, stop)
            elif wire == BYTES:
                length, content = self.varint(place, stop)
                place = content + length
            elif wire in (FIXED32, FIXED64):
                content = place
                place += 4 if wire == FIXED32 else 8
            else:
                raise DamagedError(f"has wire type {wire} at byte {begin}")
            if place > stop:
                raise DamagedError(
                    f"has a field at byte {begin} that should end at byte "
                    f"{place}, {place - stop} bytes too late"
                )
            yield Field(number, wire, begin, content, place)

    def varint(self, place: int, stop: int) -> tuple[int, int]:
        """A number of 7 bits a byte at the stream's place, and its end."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.stream.read(1)
            if not byte or place == stop:
                raise DamagedError(f"ends within a number at byte {place}")
            place += 1
            value |= (byte[0] & 127) << shift
            if byte[0] < 128:
                return value, place
        raise DamagedError(f"has a number without an end at byte {place}")

    def copy(self, start: int, stop: int) -> bytes:
        """Bytes of the structure, if they are not too many."""
        self.bytes_left -= stop - start
        if self.bytes_left < 0:
            raise DamagedError(
                f"has more than {MOST_STRUCTURE} bytes besides its blobs"
            )
        self.stream.seek(start)
        return self.stream.read(stop - start)


def encode(value: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
