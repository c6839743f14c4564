"""mean.binaryproto: the average image of a training set."""

from os import PathLike, fspath

import numpy as np
from google.protobuf.message import DecodeError

from keras_hypersphere.caffe_format.blobs import blob_array
from keras_hypersphere.caffe_format.contents import read_file
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import BlobProto
from keras_hypersphere.caffe_format.text import parse_text


def read_mean(path: str | PathLike) -> np.ndarray:
    """Reads a mean file, as Caffe's compute_image_mean writes it.

    Args:
        path: A BlobProto of one image, binary or text.

    Returns:
        float32 of shape (height, width, channels), channels in the file's
        order (BGR, for Caffe's own images): subtract it from an image.

    Raises:
        FileNotFoundError: If there is no such file.
        CaffeFormatError: If it is no mean file, or is damaged.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mean.binaryproto"
    >>> blob = kh.caffe_format.BlobProto()
    >>> kh.caffe_format.set_blob(blob, np.full((1, 3, 8, 6), 104.0))
    >>> _ = path.write_bytes(blob.SerializeToString())
    >>> kh.tools.caffe.read_mean(path).shape
    (8, 6, 3)
    """
    file = fspath(path)
    content, kind = read_file(path, file)
    try:
        if kind == "text":
            array = blob_array(parse_text(content, BlobProto(), file))
        else:
            array = blob_array(BlobProto.FromString(content))
    except DecodeError as error:
        raise CaffeFormatError(
            "is no mean file, or is damaged or cut off; fetch it again", file
        ) from error
    except CaffeFormatError as error:
        raise CaffeFormatError(error.message, file) from error
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim != 3 or not array.size:
        raise CaffeFormatError(
            f"holds a blob of shape {array.shape}, where one image was "
            "expected: 1 x channels x height x width",
            file,
        )
    return np.ascontiguousarray(array.transpose(1, 2, 0), np.float32)
