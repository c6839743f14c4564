"""Two files in the wrong order: the weights first, the network second."""

from os import PathLike, fspath
from typing import Any

from keras_hypersphere.caffe_format.contents import HEAD, kind
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import NetParameter

ORDER = "give the prototxt first and the caffemodel second"
NO_BLOBS = f"is text without blobs, where weights were expected; {ORDER}"


def check_order(caffemodel: str | PathLike) -> None:
    """Refuses a prototxt in the place of the weights.

    A look at the file is enough, and comes before whatever else would be
    wrong with weights in the place of the prototxt.

    Raises:
        FileNotFoundError: If there is no such file.
        CaffeFormatError: If it is text without blobs, or is empty.
    """
    file = fspath(caffemodel)
    with open(caffemodel, "rb") as stream:
        head = stream.read(HEAD)
        # UTF-16 is told of where text is parsed.
        if kind(head, file) == "text" and b"\0" not in head:
            stream.seek(0)
            if b"blobs" not in stream.read():
                raise CaffeFormatError(NO_BLOBS, file)


def hint_of_order(
    error: Any, net: NetParameter, prototxt: str | PathLike
) -> ValueError:
    """Adds a hint to what is wrong with a network that may be the weights.

    A caffemodel holds the network that was trained, data layers and all,
    and may serve as a prototxt. Where it does not, the error is of a layer
    that its user never wrote.

    Args:
        error: A CaffeFormatError, or another with the same attributes.
        net: The network.
        prototxt: Its file.

    Returns:
        The error.
    """
    if error.file != fspath(prototxt):
        return error
    with open(prototxt, "rb") as stream:
        binary = kind(stream.read(HEAD), error.file) == "binary"
    if binary or any(layer.blobs for layer in net.layer):
        holds = "is binary" if binary else "has blobs"
        hint = f"; this file {holds}: if it is the caffemodel, {ORDER}"
        error.message += hint
        error.args = (f"{error}{hint}",)
    return error
