"""The headers of many records at once: labels without the photos."""

import struct
from typing import NamedTuple

import numpy as np

from keras_hypersphere.face_files.open_file import OpenFile
from keras_hypersphere.face_files.record_io import (
    CHUNK,
    LONGEST,
    MAGIC,
    chunk,
    read_record,
)

# flag, label, id, id2; flag > 0: as many float32 labels follow.
HEADER = struct.Struct("<IfQQ")
HEAD = np.dtype(
    [
        *(("magic", "<u4"), ("word", "<u4"), ("flag", "<u4")),
        *(("label", "<f4"), ("id", "<u8"), ("id2", "<u8")),
        ("labels", "<f4", 2),
    ]
)
AT_ONCE = 2**16


class Header(NamedTuple):
    """What a record says before its photo.

    Attributes:
        flag: int, how many labels follow the header; 0 for one in it.
        labels: the first labels, at most two.
        id: int, the key that it was given.
        length: int, bytes of the photo; 0 for none.
    """

    flag: int
    labels: tuple[float, ...]
    id: int
    length: int


def split(file: OpenFile, place: int) -> tuple[Header, bytes]:
    """A record's header, and the bytes of its photo."""
    record = read_record(file, place)
    if len(record) < HEADER.size:
        raise file.damaged(
            place,
            f"a record of {len(record)} bytes has no header of {HEADER.size}",
        )
    flag, label, key, _ = HEADER.unpack_from(record)
    start = HEADER.size + 4 * flag
    if start > len(record):
        raise file.damaged(
            place, f"a record of {len(record)} bytes has no {flag} labels"
        )
    labels = (label,)
    if flag:
        labels = struct.unpack_from(f"<{min(flag, 2)}f", record, HEADER.size)
    return Header(flag, labels, key, len(record) - start), record[start:]


def headers(file: OpenFile, places: np.ndarray) -> dict[str, np.ndarray]:
    """What the headers of records at some places say, an array for each.

    Flag, first label, second label (NaN without), id, length of the photo.

    Raises:
        ValueError: If a record is damaged.
    """
    found: dict[str, np.ndarray] = {
        "flag": np.empty(len(places), np.uint32),
        "label": np.empty(len(places), np.float32),
        "second": np.empty(len(places), np.float32),
        "id": np.empty(len(places), np.uint64),
        "length": np.empty(len(places), np.int64),
    }
    if not len(places):
        return found
    with file.mapped() as mapped:
        data = np.frombuffer(mapped, np.uint8)
        for begin in range(0, len(places), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            several(file, data, places[part], found, part)
        del data
    return found


def several(
    file: OpenFile,
    data: np.ndarray,
    places: np.ndarray,
    found: dict[str, np.ndarray],
    part: slice,
) -> None:
    """Fills in what stands in the headers of some records."""
    wrong = (places < 0) | (places + CHUNK.size > file.size)
    if wrong.any():
        place = int(places[wrong][0])
        raise file.damaged(
            place, f"a record should begin here, the file has {file.size} bytes"
        )
    steps = np.minimum(
        places[:, None] + np.arange(HEAD.itemsize), file.size - 1
    )
    heads = data[steps].view(HEAD)[:, 0]
    word, flag = heads["word"], heads["flag"]
    lengths = (word & LONGEST).astype(np.int64)
    start = HEADER.size + 4 * flag.astype(np.int64)
    # A photo in several chunks may be cut anywhere: its length is a guess,
    # its header is whole.
    whole = heads["magic"] == heads["magic"].dtype.type(MAGIC)
    whole &= (word >> 29 == 0) & (lengths >= start)
    # The last records may lie so near to the end that it is clipped.
    whole &= places + HEAD.itemsize - 8 <= file.size
    whole &= places + CHUNK.size + lengths <= file.size
    found["flag"][part] = flag
    found["id"][part] = heads["id"]
    found["length"][part] = lengths - start
    found["label"][part] = np.where(flag, heads["labels"][:, 0], heads["label"])
    found["second"][part] = np.where(flag > 1, heads["labels"][:, 1], np.nan)
    for index in np.flatnonzero(~whole):
        place = int(places[index])
        chunk(file, place, file.read(place, CHUNK.size))
        header, _ = split(file, place)
        row = part.start + index
        found["flag"][row], found["id"][row] = header.flag, header.id
        found["length"][row] = header.length
        found["label"][row] = header.labels[0]
        found["second"][row] = (*header.labels, np.nan)[1]
