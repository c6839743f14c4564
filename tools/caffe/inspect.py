"""A converted model, as a table of Caffe's layers."""

from typing import Any

import keras

from keras_hypersphere.tools.caffe.convert import name_map


def layers(model: keras.Model) -> list[dict[str, Any]]:
    """One entry for each Caffe layer of a model that `to_keras` returned.

    Shapes are in Caffe's order; the batch is free and left out. Parameters
    are counted where Caffe keeps them.
    """
    keras_layers = {layer.name: layer for layer in model.layers}
    entries = []
    for layer in name_map(model)["layers"]:
        made = [
            (blob, keras_layers[name])
            for blob, name in layer["tops"].items()
            if name in keras_layers
        ]
        if not made:
            # A blob that only Silence reads is not part of the model.
            continue
        entries.append(
            {
                "name": layer["name"],
                "type": layer["type"],
                "tops": {blob: shape(maker.output) for blob, maker in made},
                "parameters": keras_layers[layer["keras_name"]].count_params()
                if layer["keras_name"] in keras_layers
                else 0,
            }
        )
    return entries


def shape(tensor: keras.KerasTensor) -> list[int]:
    """Without the batch, in Caffe's order."""
    sizes = list(tensor.shape[1:])
    return sizes[2:] + sizes[:2] if len(sizes) == 3 else sizes


def table(model: keras.Model) -> str:
    """The entries as text."""
    cells = [("layer", "type", "tops", "parameters")]
    for entry in layers(model):
        tops = ", ".join(
            f"{blob} {'x'.join(map(str, sizes)) or 'scalar'}"
            for blob, sizes in entry["tops"].items()
        )
        count = f"{entry['parameters']:,}" if entry["parameters"] else ""
        cells.append((entry["name"], entry["type"], tops, count))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(map(str.ljust, line, widths)).rstrip() for line in cells
    )
