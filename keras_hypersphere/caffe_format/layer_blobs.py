"""The blobs of a model by layer, left in the file until they are wanted.

`read_caffemodel` gives messages, in which protobuf holds a copy of every
number. Here only the structure is parsed; an array is made when its layer
is, straight from its place in the file.
"""

from collections.abc import Iterable
from functools import partial
from os import PathLike, fspath, stat
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from keras_hypersphere.caffe_format.blobs import (
    Blob,
    blob_array,
    blob_shape,
    is_legacy,
)
from keras_hypersphere.caffe_format.contents import HEAD, kind
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.hdf5 import read_hdf5
from keras_hypersphere.caffe_format.reader import (
    parse_weights,
    refuse_binary,
    require_text,
)
from keras_hypersphere.caffe_format.schema import BlobProto, NetParameter
from keras_hypersphere.caffe_format.wire import DamagedError, Stored, Walk

Layers = dict[str, list[Blob | None]]


def read_blobs(path: str | PathLike) -> Layers:
    """The blobs of each layer, by its name.

    Of two layers of one name Caffe copies both, so the last one stays.

    Args:
        path: A caffemodel: binary, text or HDF5.

    Returns:
        Lists of `Blob`; None stands for one that another layer stores.

    Raises:
        FileNotFoundError: If there is no such file.
        CaffeFormatError: If it is not a caffemodel, or is cut off.
    """
    file = fspath(path)
    with open(path, "rb") as stream:
        content = kind(stream.read(HEAD), file)
        if content == "text":
            stream.seek(0)
            return net_blobs(parse_weights(stream.read(), file))
        if content == "binary":
            size = stat(stream.fileno()).st_size
            walk = Walk(stream, size)
            try:
                net = NetParameter.FromString(walk.lighten())
                require_text(net)
                return stored_blobs(net, walk, path)
            except (DecodeError, UnicodeError, DamagedError) as error:
                raise refuse_binary(error, file) from error
    return read_hdf5(Path(path), file)


def layers_of(net: NetParameter) -> Iterable[tuple[str, list[BlobProto]]]:
    """Yields name and blobs of each layer, of any year."""
    for old in net.layers:
        layer = old.layer if old.HasField("layer") else old
        yield layer.name, layer.blobs
    for layer in net.layer:
        yield layer.name, layer.blobs


def net_blobs(net: NetParameter) -> Layers:
    """The blobs that a message holds itself."""
    return {
        name: [whole(blob) for blob in blobs] for name, blobs in layers_of(net)
    }


def stored_blobs(net: NetParameter, walk: Walk, path: str | PathLike) -> Layers:
    """The blobs of a lightened network, which are still in the file."""
    return {
        name: [
            stored_blob(blob, walk.blobs[int(blob.double_diff[0])], path)
            for blob in blobs
        ]
        for name, blobs in layers_of(net)
    }


def stored_blob(blob: BlobProto, stored: Stored, path: str | PathLike) -> Blob:
    """One of them."""
    if stored.chunks is None:
        with open(path, "rb") as stream:
            stream.seek(stored.start)
            content = stream.read(stored.stop - stored.start)
        return whole(BlobProto.FromString(content))
    # Caffe takes the doubles if there are any.
    doubles = [chunk for chunk in stored.chunks if chunk[0] == "<f8"]
    chunks = doubles or stored.chunks
    return Blob(
        blob_shape(blob), is_legacy(blob), partial(read_chunks, path, chunks)
    )


def read_chunks(
    path: str | PathLike, chunks: list[tuple[str, int, int]]
) -> np.ndarray:
    """Numbers of a file, flat."""
    arrays = []
    for dtype, start, stop in chunks:
        count = (stop - start) // np.dtype(dtype).itemsize
        array = np.fromfile(path, dtype, count, offset=start)
        if array.size != count:
            raise CaffeFormatError("the file was cut off while it was read")
        arrays.append(array)
    return arrays[0] if len(arrays) == 1 else np.concatenate([*arrays, NONE])


def whole(blob: BlobProto) -> Blob:
    """A blob whose numbers are in the message."""
    return Blob(
        blob_shape(blob), is_legacy(blob), lambda: blob_array(blob).ravel()
    )


# What a blob without numbers holds.
NONE = np.zeros(0, "<f4")
