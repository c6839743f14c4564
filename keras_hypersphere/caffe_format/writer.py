"""NetParameter messages → files that Caffe and OpenCV 4 read."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from google.protobuf import text_format

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.caffe_format.custom_layers import with_own
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import NetParameter

UNWRITABLE = "has the field `{}`, which nobody knows and nobody can write"


def write_prototxt(
    net: NetParameter, path: str | PathLike, comment: str = ""
) -> None:
    """Writes a network as text.

    Args:
        net: The network; blobs, if it has any, are written as numbers.
        path: File to write; it is replaced only by a complete one.
        comment: Lines to put before it, each after a `#`.

    Raises:
        CaffeFormatError: If it has fields that nobody declared.
    """
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    text = "".join(parts(net))
    replace(path, (head + text).encode())


def parts(net: NetParameter) -> Iterator[str]:
    """The text of a network, and then of each layer."""
    for field in net.unread:
        raise CaffeFormatError(UNWRITABLE.format(field.name))
    head = NetParameter()
    head.CopyFrom(net)
    head.ClearField("layer")
    yield text_format.MessageToString(head, as_utf8=True)
    for layer in net.layer:
        for field in layer.unread:
            raise CaffeFormatError(
                UNWRITABLE.format(field.name),
                layer=layer.name,
                type=layer.type,
            )
        yield "layer {\n"
        yield text_format.MessageToString(
            with_own(layer), as_utf8=True, indent=2
        )
        yield "}\n"


def write_caffemodel(net: NetParameter, path: str | PathLike) -> None:
    """Writes a network as binary, with the official field numbers.

    Args:
        net: The network; `caffe_format.set_blob` fills its weights.
        path: File to write; it is replaced only by a complete one.
    """
    replace(path, net.SerializeToString())


def replace(path: str | PathLike, content: bytes) -> None:
    """Writes next to `path`, then moves: no half of a file is ever there."""
    with atomic_write(Path(path)) as file:
        file.write(content)
