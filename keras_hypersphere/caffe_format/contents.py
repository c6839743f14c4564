"""What a file is, by its first bytes: names say nothing."""

import re
from os import PathLike

from keras_hypersphere.caffe_format.errors import CaffeFormatError

HEAD = 4096
SIGNATURE = b"\x89HDF\r\n\x1a\n"
BLANKS = b"\t\n\v\f\r"
# How files begin that are given by mistake, and what they are.
OTHERS = {
    b"pk\x03\x04": "is a zip archive, as .keras and .npz files are",
    b"\x1f\x8b": "is compressed by gzip",
    b"version https://git-lfs": "is a pointer of Git LFS to a file elsewhere",
    b"<!doctype": "is a web page: its download went wrong",
    b"<html": "is a web page: its download went wrong",
    b"<?xml": "is XML",
    b"404: not found": "is an error of a web server, not what was asked for",
    b"{": "is JSON",
    b"[": "is JSON",
}
# After comments, which prototxts have too.
PYTHON = re.compile(rb"(?:\s|#[^\n]*\n)*(?:import|from)[ \t]+\w")
CONTROLS = bytes(set(range(32)) - set(BLANKS))


def read_file(path: str | PathLike, file: str) -> tuple[bytes, str]:
    """The whole of a file, and its kind."""
    with open(path, "rb") as stream:
        content = stream.read()
    return content, kind(content[:HEAD], file)


def kind(head: bytes, file: str) -> str:
    """`"hdf5"`, `"binary"` or `"text"`, of the first bytes of a file.

    Raises:
        CaffeFormatError: If there are none (no bytes are a valid message,
            which helps nobody), or they are those of some other format.
    """
    if not head.strip():
        raise CaffeFormatError("is empty; fetch it again", file)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found = [what for begin, what in OTHERS.items() if start.startswith(begin)]
    if PYTHON.match(head):
        found.append("is a Python script")
    if found:
        raise CaffeFormatError(
            f"{found[0]}, and no file of Caffe's; give the network's "
            ".prototxt, or its weights, .caffemodel or .caffemodel.h5",
            file,
        )
    if head.startswith(SIGNATURE[:4]):
        return "hdf5"
    # Tags and lengths of protobuf are control characters; a damaged text has
    # one here and there. UTF-16 is text, which `parse_text` explains.
    controls = len(head) - len(head.translate(None, CONTROLS))
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff")) and controls > 1
    return "binary" if controls * 50 > len(head) and not utf16 else "text"
