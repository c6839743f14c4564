"""Files of Caffe → NetParameter messages of today's format."""

import re
from os import PathLike, fspath

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.legacy import upgrade
from keras_hypersphere.caffe_format.schema import PACKAGE, NetParameter

HDF5 = b"\x89HDF"
UNKNOWN_FIELD = re.compile(r'has no field named "(\w+)"')


def read_prototxt(path: str | PathLike) -> NetParameter:
    """Reads a network's description.

    Older spellings (`layers`, `input_dim`) are brought to today's.

    Args:
        path: A text file: deploy.prototxt or train_val.prototxt.

    Returns:
        A `NetParameter` whose `layer` are as the file has them.

    Raises:
        FileNotFoundError: If there is no such file.
        CaffeFormatError: If it is not a network in protobuf's text format;
            a field that Caffe does not know is refused with its line.
    """
    file = fspath(path)
    with open(path, "rb") as stream:
        content = stream.read()
    refuse_empty(content, file)
    if b"\0" in content:
        raise CaffeFormatError(
            "is a binary file, where a prototxt (text) was expected; give the "
            "prototxt first and the caffemodel second",
            file,
        )
    # Comments in another encoding are harmless; names are not.
    text = content.decode("utf-8-sig", "replace")
    net = NetParameter()
    try:
        text_format.Parse(text, net)
    except text_format.ParseError as error:
        raise CaffeFormatError(explain(error), file) from error
    except (ValueError, RecursionError) as error:
        raise CaffeFormatError(f"cannot be parsed: {error}", file) from error
    replaced = "\N{REPLACEMENT CHARACTER}".encode()
    if replaced in net.SerializeToString() and replaced not in content:
        raise CaffeFormatError(
            "has a name that is not UTF-8; save the file as UTF-8", file
        )
    return finish(net, file)


def explain(error: text_format.ParseError) -> str:
    """protobuf's words, with the line in words and without our package."""
    reason = re.sub(r"^[\d:]+ *:? *", "", str(error)).replace(PACKAGE + ".", "")
    reason = reason.rstrip(".")
    unknown = UNKNOWN_FIELD.search(reason)
    if unknown:
        reason += (
            "; Caffe refuses unknown fields: correct the spelling, or remove "
            f"`{unknown[1]}` if it belongs to a fork that is not supported"
        )
    line, column = error.GetLine(), error.GetColumn()
    return f"line {line}, column {column}: {reason}" if line else reason


def read_caffemodel(path: str | PathLike) -> NetParameter:
    """Reads trained weights: a binary NetParameter.

    Fields of forks are skipped, since forks gave one number several
    meanings: take a network's structure from its prototxt.

    Args:
        path: A binary file: model.caffemodel.

    Returns:
        A `NetParameter`; `caffe_format.blob_array` gives its weights.

    Raises:
        FileNotFoundError: If there is no such file.
        CaffeFormatError: If it is no caffemodel, or is cut off.
    """
    file = fspath(path)
    with open(path, "rb") as stream:
        content = stream.read()
    refuse_empty(content, file)
    if content.startswith(HDF5):
        raise CaffeFormatError(
            "is an HDF5 file, which is not supported; give the binary "
            ".caffemodel",
            file,
        )
    try:
        net = NetParameter.FromString(content)
        for layer in (*net.layer, *net.layers):
            require_text(layer.name, *layer.bottom, *layer.top)
    except (DecodeError, UnicodeError, RecursionError) as error:
        # Tags and lengths of protobuf are control characters in text.
        looks_like_text = not set(content[:4096]).intersection(range(9))
        raise CaffeFormatError(
            "is text, where a binary caffemodel was expected; give the "
            "prototxt first and the caffemodel second"
            if looks_like_text
            else "is not a binary caffemodel, or is damaged or cut off; fetch "
            "it again",
            file,
        ) from error
    return finish(net, file)


def require_text(*names: str | bytes) -> None:
    """protobuf's C code gives bytes for what is not UTF-8; Python's raises."""
    for name in names:
        if isinstance(name, bytes):
            raise UnicodeError(name)


def refuse_empty(content: bytes, file: str) -> None:
    """No bytes are a valid message, which helps nobody."""
    if not content.strip():
        raise CaffeFormatError("is empty; fetch it again", file)


def finish(net: NetParameter, file: str) -> NetParameter:
    """Upgrades a network and refuses one without layers."""
    net = upgrade(net, file)
    if not net.layer:
        raise CaffeFormatError(
            "describes no layers; give a network's prototxt, or the "
            "caffemodel of one",
            file,
        )
    return net
