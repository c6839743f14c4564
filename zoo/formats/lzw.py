"""LZW, as TIFF packs with it: codes of 9 to 12 bits, the highest bit first.

A code below 256 is a byte; the others stand for what was said before: code
258 + j for the bytes of the j-th code since the table was cleared, and the
one byte that came next.
"""

from collections.abc import Iterator

import numpy as np

CLEAR, END, FIRST = 256, 257, 258
# More codes than a table has room for.
MOST = 4096 - FIRST + 1
NUMBERS = np.arange(MOST)
# The table has a new entry with each code but the first, and codes grow by a
# bit one entry early.
LIMITS = np.array([511, 1023, 2047])
WIDTHS = 9 + (NUMBERS[:, None] + FIRST - 1 >= LIMITS).sum(axis=1)
OFFSETS = np.concatenate([[0], np.cumsum(WIDTHS)])


def is_of_early_years(packed: bytes) -> bool:
    """Whether it is in the other order of bits, which is not read here."""
    return len(packed) > 1 and packed[0] == 0 and packed[1] & 1 == 1


def tables(packed: bytes) -> Iterator[np.ndarray]:
    """Yields the codes of one table after the other.

    Raises:
        ValueError: If a code says nothing yet.
    """
    data = np.frombuffer(packed + bytes(3), np.uint8).astype(np.int64)
    words = data[:-2] << 16 | data[1:-1] << 8 | data[2:]
    position, end = 0, len(packed) * 8
    while position < end:
        places = position + OFFSETS[:-1]
        count = int(np.searchsorted(places + WIDTHS, end, side="right"))
        places, widths = places[:count], WIDTHS[:count]
        shifts = 24 - (places & 7) - widths
        codes = words[places >> 3] >> shifts & ((1 << widths) - 1)
        stops = np.flatnonzero((codes == CLEAR) | (codes == END))
        stop = int(stops[0]) if stops.size else count
        # The newest entry may be said while it is being made.
        if (codes[:stop] > np.maximum(FIRST - 1 + NUMBERS[:stop], 255)).any():
            raise ValueError("it is damaged")
        if stop and codes[0] > 255:
            raise ValueError("it is damaged")
        yield codes[:stop]
        if stop == count or codes[stop] == END:
            return
        position += int(OFFSETS[stop + 1])


def lengths_of(codes: np.ndarray) -> np.ndarray:
    """How many bytes each code of a table stands for."""
    lengths = np.ones(len(codes), np.int64)
    # Each is one longer than the code before its entry: follow them, in
    # steps that double.
    before = codes - FIRST
    waiting = np.flatnonzero(before >= 0)
    steps = np.where(before >= 0, 1, 0)
    while waiting.size:
        target = before[waiting]
        steps[waiting] += steps[target]
        before[waiting] = before[target]
        waiting = waiting[before[waiting] >= 0]
    return lengths + steps


def unpacked_length(packed: bytes) -> int:
    """How many bytes the data give.

    Raises:
        ValueError: If they are damaged.
    """
    return sum(int(lengths_of(codes).sum()) for codes in tables(packed))


def unpack(packed: bytes) -> bytes:
    """The bytes that the data give.

    Raises:
        ValueError: If they are damaged.
    """
    done = bytearray()
    for codes in tables(packed):
        lengths = lengths_of(codes).tolist()
        starts: list[int] = []
        for code, length in zip(codes.tolist(), lengths, strict=True):
            starts.append(len(done))
            if code < 256:
                done.append(code)
                continue
            start = starts[code - FIRST]
            done += done[start : start + length]
            # The newest entry ends with its own first byte.
            if len(done) < starts[-1] + length:
                done.append(done[start])
    return bytes(done)
