"""`tf.train.Example`: the features of one message, or labels of many.

Example  = {1: Features}      Features = {1: {1: name, 2: Feature}, ...}
Feature  = {1: bytes list} or {2: float list} or {3: int64 list}
each list = {1: values}, numbers packed or not
"""

import numpy as np

from keras_hypersphere.face_files.protobuf_fields import (
    BYTES,
    FIXED32,
    VARINT,
    Messages,
    fields,
)

TEXTS, FLOATS, WHOLE = 1, 2, 3


def features_of(
    data: bytes, start: int, stop: int
) -> dict[bytes, tuple[int, int]]:
    """Where each feature of an Example is: its place and end."""
    found = {}
    for outer in fields(data, start, stop):
        if (outer.number, outer.wire) != (1, BYTES):
            continue
        for entry in fields(data, outer.start, outer.stop):
            if (entry.number, entry.wire) != (1, BYTES):
                continue
            name, value = b"", (entry.start, entry.start)
            for part in fields(data, entry.start, entry.stop):
                if part.wire != BYTES:
                    continue
                if part.number == 1:
                    name = data[part.start : part.stop]
                elif part.number == 2:
                    value = part.start, part.stop
            found[name] = value
    return found


def text_of(data: bytes, start: int, stop: int) -> bytes | None:
    """The first bytes of a Feature; None if it holds something else."""
    for kind in fields(data, start, stop):
        if (kind.number, kind.wire) != (TEXTS, BYTES):
            continue
        for value in fields(data, kind.start, kind.stop):
            if (value.number, value.wire) == (1, BYTES):
                return data[value.start : value.stop]
    return None


def features_named(messages: Messages, name: bytes) -> Messages:
    """The Feature of each Example that has this name; empty without."""
    features = messages.inner(1)
    starts, stops = features.starts.copy(), features.starts.copy()
    for rows, number, wire, begin, end, _ in features.walk():
        mine = (number == 1) & (wire == BYTES)
        entries = Messages(messages.data, begin[mine], end[mine])
        same = entries.inner(1).equal(name)
        entries = Messages(
            messages.data, entries.starts[same], entries.stops[same]
        )
        value = entries.inner(2)
        starts[rows[mine][same]] = value.starts
        stops[rows[mine][same]] = value.stops
    return Messages(messages.data, starts, stops)


def first_numbers(feature: Messages) -> np.ndarray:
    """The first number of each Feature as float64; NaN for none.

    Whole numbers are exact up to 2 ** 53.
    """
    numbers = np.full(len(feature.starts), np.nan)
    whole = feature.inner(WHOLE)
    for rows, number, wire, begin, end, value in whole.walk():
        first = (number == 1) & np.isnan(numbers[rows])
        plain = first & (wire == VARINT)
        numbers[rows[plain]] = value[plain].astype(np.int64)
        packed = first & (wire == BYTES) & (end > begin)
        values, _ = whole.varints(begin[packed], end[packed])
        numbers[rows[packed]] = values.astype(np.int64)
    floats = feature.inner(FLOATS)
    for rows, number, wire, begin, end, _ in floats.walk():
        here = (number == 1) & np.isnan(numbers[rows]) & (end - begin >= 4)
        here &= (wire == BYTES) | (wire == FIXED32)
        places = begin[here][:, None] + np.arange(4)
        numbers[rows[here]] = (
            floats.data[places].reshape(-1, 4).copy().view("<f4")[:, 0]
        )
    return numbers
