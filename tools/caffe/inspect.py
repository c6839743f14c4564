"""A converted model, as a table of Caffe's layers and as a picture."""

import contextlib
import io
import os
import tempfile
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import keras

from keras_hypersphere.tools.caffe.record import name_map
from keras_hypersphere.tools.caffe.verification.probe import (
    first_output,
    in_caffe,
)

HEAD = ("layer", "type", "bottoms", "tops", "parameters", "multiply-adds")
# A keyword that PNG knows, and its value.
MARK = b"Software\0keras-hypersphere convert --inspect"
# Length, IEND and checksum.
PNG_END = 12
MOST_TOLD = 300


def layers(model: keras.Model) -> list[dict[str, Any]]:
    """One entry for each Caffe layer of a model that `to_keras` returned.

    Shapes are in Caffe's order; the batch is free and left out. Parameters
    and multiply-adds are counted where Caffe has them, for one sample.
    """
    present = {operation.name: operation for operation in model.operations}
    entries = []
    for layer in name_map(model)["layers"]:
        tops = {
            blob: shape(first_output(present[name]))
            for blob, name in layer["tops"].items()
            if name in present
        }
        if tops:
            # A blob that only Silence reads is not part of the model.
            kept = ("name", "type", "bottoms", "parameters", "multiply_adds")
            entries.append({**{k: layer[k] for k in kept}, "tops": tops})
    return entries


def shape(tensor: keras.KerasTensor) -> list[int | None]:
    """In Caffe's order, without the batch where there is one."""
    sizes = tuple(tensor.shape)
    if sizes and sizes[0] is None:
        return list(in_caffe(sizes[1:]))
    return list(sizes)


def table(found: list[dict[str, Any]]) -> str:
    """The entries of `layers` as text, and their sums."""
    cells = [HEAD]
    for entry in found:
        tops = ", ".join(
            f"{blob} {'x'.join(map(size, sizes)) or 'scalar'}"
            for blob, sizes in entry["tops"].items()
        )
        cells.append(
            (
                entry["name"],
                entry["type"],
                ", ".join(entry["bottoms"]),
                tops,
                number(entry["parameters"]),
                number(entry["multiply_adds"]),
            )
        )
    costs = [entry["multiply_adds"] for entry in found]
    cells.append(
        (
            "total",
            "",
            "",
            "",
            number(sum(entry["parameters"] for entry in found)),
            number(None if None in costs else sum(costs)),
        )
    )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    adjust = [str.ljust] * 4 + [str.rjust] * 2
    return "\n".join(
        "  ".join(
            place(cell, width)
            for place, cell, width in zip(adjust, line, widths, strict=True)
        ).rstrip()
        for line in cells
    )


def size(length: int | None) -> str:
    """A free size is a question mark."""
    return "?" if length is None else str(length)


def number(count: int | None) -> str:
    """With commas; nothing for nothing."""
    return "?" if count is None else f"{count:,}" if count else ""


def draw(
    model: keras.Model,
    path: str | PathLike,
    folder: str | PathLike | None = None,
) -> str:
    """Draws the Keras layers with `keras.utils.plot_model`.

    Args:
        model: What to draw.
        path: A .png file. A picture that this function drew is replaced by
            the whole new one; any other file stays as it is.
        folder: On the same disk; the picture is drawn here first. Default:
            that of the file.

    Returns:
        What was done, in one line: without graphviz there is no picture.
    """
    path = Path(path)
    if os.path.lexists(path) and not is_ours(path):
        return f"no picture: {path} is there and was not drawn here; move it"
    try:
        with tempfile.TemporaryDirectory(
            dir=folder or path.parent, prefix=".draw-"
        ) as hidden:
            drawn = Path(hidden) / path.name
            # pydot prints what graphviz complains of.
            with contextlib.redirect_stdout(io.StringIO()):
                keras.utils.plot_model(
                    model,
                    drawn,
                    show_shapes=True,
                    dpi=96,
                    show_layer_names=True,
                )
            drawn.write_bytes(mark(drawn.read_bytes()))
            drawn.replace(path)
    except (ImportError, OSError, AssertionError) as error:
        # Keras says what is missing, pydot or graphviz, and where it is;
        # pydot asserts that graphviz did its work.
        reason = " ".join(str(error).split())[:MOST_TOLD]
        return f"no picture: {reason or type(error).__name__}"
    return f"{path}: the network as a picture"


def mark(png: bytes) -> bytes:
    """Says in a text of a PNG file, before its end, who drew it."""
    text = b"tEXt" + MARK
    sizes = (len(MARK).to_bytes(4, "big"), zlib.crc32(text).to_bytes(4, "big"))
    return png[:-PNG_END] + sizes[0] + text + sizes[1] + png[-PNG_END:]


def is_ours(path: Path) -> bool:
    """Whether `mark` was here."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(-min(stream.tell(), len(MARK) + 4 + PNG_END), os.SEEK_CUR)
        return stream.read().startswith(MARK)
