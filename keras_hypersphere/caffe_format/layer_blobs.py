"""The blobs of a model by layer, left in the file until they are wanted.

`read_caffemodel` gives messages, in which protobuf holds a copy of every
number. Here only the structure is parsed; an array is made when its layer
is, straight from its place in the file.
"""

from collections.abc import Iterable
from functools import partial
from os import PathLike

import numpy as np
from google.protobuf.message import DecodeError

from keras_hypersphere.caffe_format.blobs import (
    Blob,
    blob_array,
    blob_shape,
    is_legacy,
    raw_type,
    widened,
)
from keras_hypersphere.caffe_format.contents import HEAD
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.hdf5 import read_hdf5
from keras_hypersphere.caffe_format.order import NO_BLOBS
from keras_hypersphere.caffe_format.reader import (
    parse_weights,
    refuse_binary,
    require_text,
)
from keras_hypersphere.caffe_format.schema import BlobProto, NetParameter
from keras_hypersphere.caffe_format.source_file import SourceFile
from keras_hypersphere.caffe_format.wire import DamagedError, Stored, Walk

Layers = dict[str, list[Blob | None]]


class Caffemodel:
    """A caffemodel that is open, which may be used as its path.

    Args:
        path: Binary, text or HDF5.

    Attributes:
        source: The open file.
        layers: The blobs of each layer, by its name; see `read_blobs`.
    """

    def __init__(self, path: str | PathLike) -> None:
        self.source = SourceFile(path)
        # Blobs keep the file open, and know nothing of this object: no cycle.
        self.layers = layers_in(self.source)

    def __fspath__(self) -> str:
        return self.source.path

    def __str__(self) -> str:
        return str(self.source)


def layers_in(source: SourceFile) -> Layers:
    """The blobs of each layer of a file."""
    if source.kind == "hdf5":
        return read_hdf5(source)
    if source.kind == "text":
        content = source.content()
        # UTF-16 is told of where text is parsed.
        if b"blobs" not in content and b"\0" not in content[:HEAD]:
            raise CaffeFormatError(NO_BLOBS, source.path)
        return net_blobs(parse_weights(content, source.path))
    walk = Walk(source.stream, source.size)
    try:
        net = NetParameter.FromString(walk.lighten())
        require_text(net)
        return stored_blobs(net, walk, source)
    except (DecodeError, UnicodeError, DamagedError) as error:
        raise refuse_binary(error, source.path) from error


def read_blobs(path: str | PathLike) -> Layers:
    """The blobs of each layer, by its name.

    Of two layers of one name Caffe copies both, so the last one stays.

    Args:
        path: A caffemodel: binary, text or HDF5. A `Caffemodel` is not
            opened again.

    Returns:
        Lists of `Blob`; None stands for one that another layer stores.

    Raises:
        FileNotFoundError: If there is no such file.
        CaffeFormatError: If it is not a caffemodel, or is cut off.
    """
    opened = path if isinstance(path, Caffemodel) else Caffemodel(path)
    return opened.layers


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


def stored_blobs(net: NetParameter, walk: Walk, source: SourceFile) -> Layers:
    """The blobs of a lightened network, which are still in the file."""
    layers: Layers = {}
    for name, blobs in layers_of(net):
        try:
            layers[name] = [
                stored_blob(blob, walk.blobs[int(blob.double_diff[0])], source)
                for blob in blobs
            ]
        except CaffeFormatError as error:
            raise CaffeFormatError(error.message, source.path, name) from error
    return layers


def stored_blob(blob: BlobProto, stored: Stored, source: SourceFile) -> Blob:
    """One of them."""
    if stored.chunks is None:
        content = source.array("u1", stored.start, stored.stop).tobytes()
        return whole(BlobProto.FromString(content))
    chunks = [chunk for chunk in stored.chunks if chunk[2] > chunk[1]]
    # Caffe takes the doubles if there are any.
    doubles = [chunk for chunk in chunks if chunk[0] == "<f8"]
    for dtype, start, stop in chunks:
        if dtype == "raw":
            dtype = raw_type(blob, stop - start, chunks[1:])
            doubles = [(dtype, start, stop)]
    chunks = doubles or chunks
    return Blob(
        blob_shape(blob), is_legacy(blob), partial(read_chunks, source, chunks)
    )


def read_chunks(
    source: SourceFile, chunks: list[tuple[str, int, int]]
) -> np.ndarray:
    """Numbers of a file, flat."""
    arrays = [widened(source.array(*chunk)) for chunk in chunks]
    return arrays[0] if len(arrays) == 1 else np.concatenate([*arrays, NONE])


def whole(blob: BlobProto) -> Blob:
    """A blob whose numbers are in the message."""
    return Blob(
        blob_shape(blob), is_legacy(blob), lambda: blob_array(blob).ravel()
    )


# What a blob without numbers holds.
NONE = np.zeros(0, "<f4")
