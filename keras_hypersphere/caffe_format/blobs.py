"""BlobProto messages as NumPy arrays, and back.

A network of 23 million weights would be as many Python floats if one read
`blob.data`. Serializing a blob and parsing it as `PackedBlob`, whose `data`
is bytes under the same number, moves them in C. Unpacked files need no case
of their own: protobuf packs what it serializes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import BlobProto, PackedBlob

LEGACY = ("num", "channels", "height", "width")
# What `raw_data` may be; NVCaffe and OpenCV's shrink_caffemodel write it.
RAW_TYPES = {"DOUBLE": "<f8", "FLOAT": "<f4", "FLOAT16": "<f2"}


@dataclass(frozen=True)
class Blob:
    """A blob that stays in its file until it is wanted.

    Attributes:
        shape: The dimensions that it declares.
        legacy: Whether these are the four of before 2015, which stand for
            fewer axes where they begin with 1.
        read: Returns its values, flat.
    """

    shape: tuple[int, ...]
    legacy: bool
    read: Callable[[], np.ndarray]

    def array(self) -> np.ndarray:
        """The values: float32, or float64 if it stores doubles.

        Raises:
            CaffeFormatError: If the values do not fill the declared shape.
        """
        return shaped(self.read(), self.shape)


def is_legacy(blob: BlobProto) -> bool:
    """Whether a blob has four dimensions in fields of their own.

    They count before `shape`, as in Caffe.
    """
    return any(blob.HasField(name) for name in LEGACY)


def blob_shape(blob: BlobProto) -> tuple[int, ...]:
    """The dimensions that a blob declares.

    One that declares nothing is a scalar.
    """
    if is_legacy(blob):
        return tuple(getattr(blob, name) for name in LEGACY)
    return tuple(blob.shape.dim)


def blob_array(blob: BlobProto) -> np.ndarray:
    """The values of a blob: float32, or float64 if it stores doubles.

    Raises:
        CaffeFormatError: If the values do not fill the declared shape.
    """
    if blob.raw_data:
        dtype = raw_type(
            blob, len(blob.raw_data), blob.data or blob.double_data
        )
        values = widened(np.frombuffer(blob.raw_data, dtype))
        return shaped(values, blob_shape(blob))
    packed = PackedBlob.FromString(blob.SerializeToString())
    if packed.double_data:
        chunks, dtype = packed.double_data, "<f8"
    else:
        chunks, dtype = packed.data, "<f4"
    return shaped(np.frombuffer(b"".join(chunks), dtype), blob_shape(blob))


def raw_type(blob: BlobProto, size: int, others: object) -> str:
    """The type of the numbers in `raw_data`, for NumPy.

    Args:
        blob: What says it.
        size: How many bytes there are.
        others: Whether there are numbers elsewhere.

    Raises:
        CaffeFormatError: If they cannot be such numbers.
    """
    if others:
        raise CaffeFormatError(
            "a blob has `raw_data` and `data`, and only one can be its "
            "numbers; the file is damaged"
        )
    if not blob.HasField("raw_data_type"):
        raise CaffeFormatError(
            "a blob has `raw_data` of no known `raw_data_type`; it may be "
            f"{', '.join(RAW_TYPES)}"
        )
    field = blob.DESCRIPTOR.fields_by_name["raw_data_type"]
    name = field.enum_type.values_by_number[blob.raw_data_type].name
    if name not in RAW_TYPES:
        raise CaffeFormatError(
            f"a blob has `raw_data` of `raw_data_type: {name}`, which is not "
            f"supported; {', '.join(RAW_TYPES)} are"
        )
    dtype = RAW_TYPES[name]
    if size % int(dtype[-1]):
        raise CaffeFormatError(
            f"a blob has {size} bytes of `raw_data`, which are no whole "
            f"numbers of {dtype[-1]} bytes each ({name}); the file is damaged"
        )
    return dtype


def widened(values: np.ndarray) -> np.ndarray:
    """Half precision as float32, which holds the same numbers."""
    return values.astype("<f4") if values.dtype.itemsize == 2 else values


def shaped(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Flat values in a shape that a file declares."""
    if min(shape, default=0) < 0 or math.prod(shape) != values.size:
        raise CaffeFormatError(
            f"a blob of shape {shape} holds {values.size} values; the file is "
            "damaged"
        )
    try:
        return values.reshape(shape)
    except ValueError as error:
        # NumPy ends at 64 axes.
        raise CaffeFormatError(
            f"a blob has {len(shape)} axes; Caffe's have 32 at the most"
        ) from error


def set_blob(blob: BlobProto, array: np.ndarray) -> None:
    """Stores an array in a blob, as packed float32 with its shape."""
    array = np.asarray(array, "<f4")
    blob.Clear()
    blob.MergeFromString(PackedBlob(data=[array.tobytes()]).SerializeToString())
    blob.shape.dim.extend(array.shape)
    # A scalar has a shape too: one without dimensions.
    blob.shape.SetInParent()
