"""protobuf's binary format: the fields of a message, one message or many.

Nothing here trusts a length. `fields` walks one message in memory;
`Messages` walks a million of one file at once, field by field, which Python
alone would need ten seconds for.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
# Fields of one message; faces have eight at most.
MOST_FIELDS = 1000


class FieldError(ValueError):
    """The bytes are not protobuf's.

    Attributes:
        place: int, the byte.
        why: String.
    """

    def __init__(self, place: int, why: str) -> None:
        super().__init__(f"{why} at byte {place}")
        self.place, self.why = int(place), why


class Field(NamedTuple):
    """One field: its number and wire type, where its bytes are, its value.

    Attributes:
        value: int, of a varint; 0 for others.
    """

    number: int
    wire: int
    start: int
    stop: int
    value: int


def fields(data: bytes, place: int, stop: int) -> Iterator[Field]:
    """Yields the fields of the message in `data[place:stop]`."""
    for _ in range(MOST_FIELDS):
        if place >= stop:
            return
        tag, start = varint(data, place, stop)
        number, wire = tag >> 3, tag & 7
        value = 0
        if wire == VARINT:
            value, place = varint(data, start, stop)
        elif wire == BYTES:
            length, start = varint(data, start, stop)
            place = start + length
        elif wire in (FIXED64, FIXED32):
            place = start + (8 if wire == FIXED64 else 4)
        else:
            raise FieldError(start, f"a field of wire type {wire}")
        if place > stop:
            raise FieldError(
                start, f"a field that ends {place - stop} bytes too late"
            )
        yield Field(number, wire, start, place, value)
    if place < stop:
        raise FieldError(place, f"more than {MOST_FIELDS} fields")


def varint(data: bytes, place: int, stop: int) -> tuple[int, int]:
    """A number of 7 bits a byte, and its end."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= stop:
            raise FieldError(place, "the end within a number")
        byte = data[place]
        value |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return value, place
    raise FieldError(place, "a number without an end")


def signed(value: int) -> int:
    """A varint as int64."""
    return (value & (2**64 - 1) ^ 2**63) - 2**63


class Messages:
    """Messages in one array of bytes, walked together.

    Args:
        data: uint8 array, such as a mapped file.
        starts, stops: `(N,)` int64 places of the messages.
    """

    def __init__(
        self, data: np.ndarray, starts: np.ndarray, stops: np.ndarray
    ) -> None:
        self.data, self.starts, self.stops = data, starts, stops

    def walk(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields rows, numbers, wires, starts, stops, values of next fields.

        One field of every message that has another one at a time.
        """
        rows = np.arange(len(self.starts))
        place = self.starts.astype(np.int64)
        for _ in range(MOST_FIELDS):
            rows = rows[place[rows] < self.stops[rows]]
            if not len(rows):
                return
            stop = self.stops[rows]
            tag, start = self.varints(place[rows], stop)
            number, wire = tag >> np.uint64(3), tag & np.uint64(7)
            end = start.copy()
            value = np.zeros(len(rows), np.uint64)
            which = np.flatnonzero(wire == VARINT)
            value[which], end[which] = self.varints(start[which], stop[which])
            which = np.flatnonzero(wire == BYTES)
            length, start[which] = self.varints(start[which], stop[which])
            # Above, an int64 would turn negative.
            length = np.minimum(length, np.uint64(2**62)).astype(np.int64)
            end[which] = start[which] + length
            end[wire == FIXED64] += 8
            end[wire == FIXED32] += 4
            wrong = (end > stop) | (wire > FIXED32)
            wrong |= (wire == 3) | (wire == 4)
            if wrong.any():
                raise FieldError(start[wrong][0], "a field without an end")
            place[rows] = end
            yield rows, number, wire, start, end, value
        rest = place < self.stops
        if rest.any():
            raise FieldError(place[rest][0], f"more than {MOST_FIELDS} fields")

    def varints(
        self, place: np.ndarray, stop: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The numbers at some places, and their ends."""
        place = place.copy()
        value = np.zeros(len(place), np.uint64)
        left = np.arange(len(place))
        for shift in range(0, 70, 7):
            if not len(left):
                break
            late = place[left] >= stop[left]
            if late.any():
                raise FieldError(
                    place[left][late][0], "the end within a number"
                )
            byte = self.data[place[left]]
            # NumPy shifts no further than its type is wide.
            value[left] |= (byte & 127).astype(np.uint64) << np.uint64(shift)
            place[left] += 1
            left = left[byte >= 128]
        if len(left):
            raise FieldError(place[left][0], "a number without an end")
        return value, place

    def inner(self, number: int) -> "Messages":
        """The message or bytes in a field of each; empty where it lacks."""
        starts = self.starts.copy()
        stops = self.starts.copy()
        for rows, numbers, wires, begin, end, _ in self.walk():
            mine = (numbers == number) & (wires == BYTES)
            starts[rows[mine]], stops[rows[mine]] = begin[mine], end[mine]
        return Messages(self.data, starts, stops)

    def equal(self, text: bytes) -> np.ndarray:
        """Which of them are these bytes."""
        same = self.stops - self.starts == len(text)
        for offset, byte in enumerate(text):
            place = np.minimum(self.starts + offset, len(self.data) - 1)
            same &= self.data[place] == byte
        return same
