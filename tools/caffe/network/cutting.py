"""Cuts a network at any blob: what is given becomes an input."""

from collections.abc import Collection, Mapping, Sequence

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.network.data_layers import (
    channels_first,
    is_input,
    without_tops,
)
from keras_hypersphere.tools.caffe.network.training_only import (
    labels_of,
    only_measures,
    read_bottoms,
)

Shapes = Mapping[str, Sequence[int]]


def cut(
    layers: Sequence[LayerParameter],
    shapes: Shapes,
    training: bool = False,
    file: str | None = None,
) -> list[LayerParameter]:
    """Puts an Input in the place of the layers that make some blobs.

    A blob that is changed in place means its last value, so those layers go
    too, and with them what nobody else needs.

    Args:
        layers: Those of one state.
        shapes: By blob name, channels-last and without the batch. Inputs
            and data layers that make such a blob stay.
        training: Whether losses are kept.
        file: Named in errors.
    """
    fed = {top for layer in layers if is_input(layer) for top in layer.top}
    names = [name for name in shapes if name not in fed]
    if not names:
        return list(layers)
    makers = [layer for layer in layers if not set(names).isdisjoint(layer.top)]
    rest = [layer for layer in layers if set(names).isdisjoint(layer.top)]
    if not training:
        used = {
            blob
            for layer in rest
            if layer.type != "Silence"
            for blob in read_bottoms(layer, False)
        }
        rest = [
            layer
            for layer in rest
            if not only_measures(layer) or not used.isdisjoint(layer.top)
        ]
    rest = silence_made(rest, names)
    read = {
        bottom
        for layer in layers
        for bottom in layer.bottom[first_read(layer, training) :]
    }
    rest = still_needed(rest, read)
    still_read = {blob for x in rest for blob in read_bottoms(x, training)}
    for maker in makers:
        refuse_lost(maker, still_read.difference(names), file)
    made = [
        LayerParameter(name=name, type="Input", top=[name]) for name in names
    ]
    for layer in made:
        dims = [1, *channels_first(shapes[layer.name])]
        layer.input_param.shape.add().dim.extend(dims)
    return made + rest


def silence_made(
    layers: Sequence[LayerParameter], names: Sequence[str]
) -> list[LayerParameter]:
    """Takes what nobody makes any more from layers of type Silence."""
    made = {top for layer in layers for top in layer.top}.union(names)
    kept = []
    for layer in layers:
        if layer.type == "Silence" and not made.issuperset(layer.bottom):
            bottoms = [name for name in layer.bottom if name in made]
            if not bottoms:
                continue
            layer = LayerParameter(
                name=layer.name, type=layer.type, bottom=bottoms
            )
        kept.append(layer)
    return kept


def first_read(layer: LayerParameter, training: bool) -> int:
    """Which of its bottoms is the first that is no end.

    What a loss reads is an end where losses are left out; its labels are not.
    """
    labels = labels_of(layer)
    left_out = not training and labels and only_measures(layer)
    return labels.place if left_out else 0


def refuse_lost(
    maker: LayerParameter, read: Collection[str], file: str | None
) -> None:
    """Refuses a cut through a layer whose other tops are read."""
    lost = sorted(set(maker.top).intersection(read))
    if lost:
        raise CaffeFormatError(
            f"makes {', '.join(lost)} too, which other layers read; give "
            "shapes of all that it makes, or of none: `input_shapes` (on the "
            "command line --input-shape)",
            file,
            maker.name,
            maker.type,
        )


def still_needed(
    layers: Sequence[LayerParameter], read: Collection[str]
) -> list[LayerParameter]:
    """The layers that are not there only for those that went.

    Args:
        layers: What is left.
        read: The blobs that layers read before the cut. What none of them
            read is an end, and stays one.
    """
    wanted = {top for layer in layers for top in layer.top if top not in read}
    kept = []
    for layer in reversed(layers):
        if layer.top and wanted.isdisjoint(layer.top):
            continue
        if is_input(layer):
            idle = {top for top in layer.top if top not in wanted}
            layer = without_tops(layer, idle)
        wanted.update(layer.bottom)
        kept.append(layer)
    return kept[::-1]
