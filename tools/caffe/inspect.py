"""A converted model, as a table of Caffe's layers and as a picture."""

from os import PathLike
from typing import Any

import keras

from keras_hypersphere.tools.caffe.probe import first_output, in_caffe
from keras_hypersphere.tools.caffe.record import name_map

HEAD = ("layer", "type", "bottoms", "tops", "parameters", "multiply-adds")


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


def table(model: keras.Model) -> str:
    """The entries as text, and their sums."""
    found = layers(model)
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


def draw(model: keras.Model, path: str | PathLike) -> str:
    """Draws the Keras layers with `keras.utils.plot_model`.

    Returns:
        What was done, in one line: without graphviz there is no picture.
    """
    try:
        keras.utils.plot_model(
            model, path, show_shapes=True, show_layer_names=True, dpi=96
        )
    except ImportError as error:
        # Keras says what is missing, pydot or graphviz, and where it is.
        return f"no picture: {' '.join(str(error).split())}"
    return f"{path}: the network as a picture"
