"""Reads the parameters out of dlib's published face recognition network.

dlib serializes a network as nested C++ objects. Here is as much of the
format as this one file needs:

* an integer is a control byte (low four bits: number of bytes that follow;
  top bit: negative) and these bytes, little-endian;
* a text is its length as an integer, then its characters;
* a tensor is the integers 2 (a version) and four dimensions, then float32
  values, little-endian;
* a layer starts with its tag, such as `con_4`, and the parameters follow:
  `con_…` one tensor with all filters (out, in, height, width) and then the
  biases; `affine_` one tensor with the scales and then the shifts; `fc_2`
  the integers outputs and inputs, and a tensor (inputs, outputs). What is
  left until the next tag are settings.

Nothing is trusted: every length is checked against what the file holds.
"""

import dataclasses
import os
import re
from pathlib import Path

import numpy as np

START = b"\x01\x01\x01\x0dloss_metric_2"
TAG = re.compile(rb"\x01(?:\x05(con_4)|\x07(affine_)|\x04(fc_2))", re.DOTALL)
TENSOR_VERSION = 2
# Settings between two layers take about 500 bytes at most, and the network
# 22 MB; a file far beyond is another one.
LONGEST_SETTINGS = 4096
LARGEST_FILE = 100_000_000


class DlibFormatError(ValueError):
    """A file is not dlib's network, or is damaged; the message names it."""


@dataclasses.dataclass(frozen=True, eq=False)
class DlibLayer:
    """The parameters of one layer: `con`, `affine` or `fc`."""

    kind: str
    values: np.ndarray


def read_dlib(path: "str | os.PathLike") -> list[DlibLayer]:
    """Reads the layers that have parameters, in the order of the network.

    Args:
        path: `dlib_face_recognition_resnet_model_v1.dat`.

    Returns:
        The layers from the input on. `values` is flat for `con` and
        `affine`, (inputs, outputs) for `fc`.

    Raises:
        FileNotFoundError: If there is no such file.
        DlibFormatError: If it is another file, or its end is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file '{path}'. Expected dlib's "
            "dlib_face_recognition_resnet_model_v1.dat."
        )
    if path.stat().st_size > LARGEST_FILE:
        raise DlibFormatError(
            f"'{path}' is too large to be dlib's face recognition network. "
            f"Received: {path.stat().st_size} bytes"
        )
    try:
        return parse(path.read_bytes())
    except DlibFormatError as error:
        raise DlibFormatError(
            f"'{path}' is not dlib's face recognition network, or is "
            f"damaged: {error}. Download it again."
        ) from None


def parse(data: bytes) -> list[DlibLayer]:
    """Reads the layers out of the bytes of the file."""
    if not data.startswith(START):
        raise DlibFormatError("it does not start with 'loss_metric_2'")
    layers: list[DlibLayer] = []
    position = len(START)
    while not layers or layers[-1].kind != "fc":
        found = TAG.search(data, position, position + LONGEST_SETTINGS)
        if found is None:
            raise DlibFormatError(
                f"no layer with parameters follows byte {position}, after "
                f"{len(layers)} layers"
            )
        kind = found[found.lastindex or 0].split(b"_")[0].decode()
        position = found.end()
        sizes = []
        if kind == "fc":
            for _ in range(2):
                size, position = read_integer(data, position)
                sizes.append(size)
        values, position = read_tensor(data, position)
        if kind == "fc":
            # (inputs, outputs), said twice: before and by the tensor.
            if values.shape[:2] != (sizes[1], sizes[0]):
                raise DlibFormatError(
                    f"the dense layer at byte {found.start()} has the shape "
                    f"{values.shape}, announced was {tuple(sizes[::-1])}"
                )
            values = values.reshape(sizes[1], sizes[0])
        else:
            values = values.reshape(-1)
        layers.append(DlibLayer(kind, values))
    return layers


def read_integer(data: bytes, position: int) -> tuple[int, int]:
    """Reads an integer. Returns it and the position behind it."""
    if position >= len(data):
        raise DlibFormatError(f"it ends at byte {len(data)}")
    control = data[position]
    length = control & 0x0F
    end = position + 1 + length
    if not 1 <= length <= 8 or control & 0x70:
        raise DlibFormatError(f"byte {position} starts no integer")
    if end > len(data):
        raise DlibFormatError(f"it ends at byte {len(data)}")
    value = int.from_bytes(data[position + 1 : end], "little")
    return (-value if control & 0x80 else value), end


def read_tensor(data: bytes, position: int) -> tuple[np.ndarray, int]:
    """Reads a tensor. Returns it and the position behind it."""
    start = position
    version, position = read_integer(data, position)
    if version != TENSOR_VERSION:
        raise DlibFormatError(
            f"the tensor at byte {start} has version {version}, "
            f"{TENSOR_VERSION} was expected"
        )
    shape = []
    count = 1
    for _ in range(4):
        size, position = read_integer(data, position)
        if size < 1:
            raise DlibFormatError(
                f"the tensor at byte {start} has a size of {size}"
            )
        shape.append(size)
        count *= size
    end = position + 4 * count
    if end > len(data):
        raise DlibFormatError(
            f"the tensor at byte {start} announces {count} values, "
            f"{(len(data) - position) // 4} are there"
        )
    values = np.frombuffer(data, "<f4", count, position)
    if not np.isfinite(values).all():
        raise DlibFormatError(f"the tensor at byte {start} is not finite")
    return values.astype(np.float32).reshape(shape), end
