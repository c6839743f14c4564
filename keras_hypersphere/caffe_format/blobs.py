"""BlobProto messages as NumPy arrays, and back.

A network of 23 million weights would be as many Python floats if one read
`blob.data`. Serializing a blob and parsing it as `PackedBlob`, whose `data`
is bytes under the same number, moves them in C. Unpacked files need no case
of their own: protobuf packs what it serializes.
"""

import math

import numpy as np

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import BlobProto, PackedBlob

LEGACY = ("num", "channels", "height", "width")


def blob_shape(blob: BlobProto) -> tuple[int, ...]:
    """The dimensions that a blob declares.

    A blob of before 2015 has four of them in fields of their own. One that
    declares nothing is a scalar.
    """
    if blob.HasField("shape"):
        return tuple(blob.shape.dim)
    if any(blob.HasField(name) for name in LEGACY):
        return tuple(getattr(blob, name) for name in LEGACY)
    return ()


def blob_array(blob: BlobProto) -> np.ndarray:
    """The values of a blob: float32, or float64 if it stores doubles.

    Raises:
        CaffeFormatError: If the values do not fill the declared shape.
    """
    packed = PackedBlob.FromString(blob.SerializeToString())
    if packed.double_data:
        chunks, dtype = packed.double_data, "<f8"
    else:
        chunks, dtype = packed.data, "<f4"
    values = np.frombuffer(b"".join(chunks), dtype)
    shape = blob_shape(blob)
    if min(shape, default=0) < 0 or math.prod(shape) != values.size:
        raise CaffeFormatError(
            f"a blob of shape {shape} holds {values.size} values; the file is "
            "damaged"
        )
    return values.reshape(shape)


def set_blob(blob: BlobProto, array: np.ndarray) -> None:
    """Stores an array in a blob, as packed float32 with its shape."""
    array = np.asarray(array, "<f4")
    blob.Clear()
    blob.MergeFromString(PackedBlob(data=[array.tobytes()]).SerializeToString())
    blob.shape.dim.extend(array.shape)
    # A scalar has a shape too: one without dimensions.
    blob.shape.SetInParent()
