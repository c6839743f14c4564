"""Caffe's Datum: a photo as an image file, or as planes of pixels."""

import struct

import numpy as np

from keras_hypersphere.face_files.protobuf_fields import (
    BYTES,
    VARINT,
    FieldError,
    Messages,
    fields,
)

CHANNELS, HEIGHT, WIDTH, DATA, LABEL, FLOATS, ENCODED = range(1, 8)
# A file header and one of an image, both little-endian.
BITMAP = struct.Struct("<2sIHHI" + "IiiHHIIiiII")


def image_of(datum: bytes) -> bytes:
    """Returns the image file of a Datum; planes of BGR become a BMP.

    Raises:
        FieldError: If it is damaged, or holds something else.
    """
    numbers = dict.fromkeys((CHANNELS, HEIGHT, WIDTH, ENCODED), 0)
    data, floats = b"", False
    for field in fields(datum, 0, len(datum)):
        if field.wire == VARINT and field.number in numbers:
            numbers[field.number] = field.value
        elif field.wire == BYTES and field.number == DATA:
            data = datum[field.start : field.stop]
        floats |= field.number == FLOATS
    if numbers[ENCODED]:
        return data
    shape = tuple(numbers[key] for key in (CHANNELS, HEIGHT, WIDTH))
    channels, height, width = shape
    if channels in (1, 3) and data and channels * height * width == len(data):
        return bitmap(np.frombuffer(data, np.uint8).reshape(shape))
    what = "float_data, no photo" if floats else f"{len(data)} bytes"
    raise FieldError(
        0,
        f"a Datum of channels, height, width {shape} with {what}; expected "
        "pixels of 1 or 3 channels, or an encoded image,",
    )


def labels_of(messages: Messages) -> np.ndarray:
    """The label of each Datum; 0, protobuf's default, where it lacks."""
    labels = np.zeros(len(messages.starts), np.int64)
    for rows, number, wire, _, _, value in messages.walk():
        mine = (number == LABEL) & (wire == VARINT)
        labels[rows[mine]] = value[mine].astype(np.int64)
    return labels


def bitmap(planes: np.ndarray) -> bytes:
    """An uncompressed BMP, which any reader of images knows.

    Args:
        planes: `(1 or 3, height, width)` uint8, gray or BGR, the order of
            both Caffe and BMP.
    """
    _, height, width = planes.shape
    row = (3 * width + 3) // 4 * 4
    rows = np.zeros((height, row), np.uint8)
    pixels = np.broadcast_to(planes, (3, height, width)).transpose(1, 2, 0)
    # The lowest row comes first.
    rows[:, : 3 * width] = pixels[::-1].reshape(height, 3 * width)
    size = BITMAP.size + rows.size
    head = BITMAP.pack(
        *(b"BM", size, 0, 0, BITMAP.size),
        *(40, width, height, 1, 24, 0, rows.size, 2835, 2835, 0, 0),
    )
    return head + rows.tobytes()
