"""Two files in the wrong order: the weights first, the network second."""

from typing import Any

from keras_hypersphere.caffe_format.schema import NetParameter
from keras_hypersphere.caffe_format.source_file import SourceFile

ORDER = "give the prototxt first and the caffemodel second"
NO_BLOBS = f"is text without blobs, where weights were expected; {ORDER}"


def hint_of_order(
    error: Any, net: NetParameter, source: SourceFile
) -> ValueError:
    """Adds a hint to what is wrong with a network that may be the weights.

    A caffemodel holds the network that was trained, data layers and all,
    and may serve as a prototxt. Where it does not, the error is of a layer
    that its user never wrote.

    Args:
        error: A CaffeFormatError, or another with the same attributes.
        net: The network.
        source: Its file.

    Returns:
        The error.
    """
    if error.file != source.path:
        return error
    binary = source.kind == "binary"
    if binary or any(layer.blobs for layer in net.layer):
        holds = "is binary" if binary else "has blobs"
        hint = f"; this file {holds}: if it is the caffemodel, {ORDER}"
        error.message += hint
        error.args = (f"{error}{hint}",)
    return error
