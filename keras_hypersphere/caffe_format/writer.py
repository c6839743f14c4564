"""NetParameter messages → files that Caffe and OpenCV 4 read."""

import os
import tempfile
from os import PathLike
from pathlib import Path

from google.protobuf import text_format

from keras_hypersphere.caffe_format.schema import NetParameter


def write_prototxt(
    net: NetParameter, path: str | PathLike, comment: str = ""
) -> None:
    """Writes a network as text.

    Args:
        net: The network; blobs, if it has any, are written as numbers.
        path: File to write; it is replaced only by a complete one.
        comment: Lines to put before it, each after a `#`.
    """
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    text = text_format.MessageToString(net, as_utf8=True)
    replace(path, (head + text).encode())


def write_caffemodel(net: NetParameter, path: str | PathLike) -> None:
    """Writes a network as binary, with the official field numbers.

    Args:
        net: The network; `caffe_format.set_blob` fills its weights.
        path: File to write; it is replaced only by a complete one.
    """
    replace(path, net.SerializeToString())


def replace(path: str | PathLike, content: bytes) -> None:
    """Writes beside `path`, then moves: no half of a file is ever there."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        # mkstemp keeps others out; an ordinary file lets the umask decide.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
