"""What to do about a layer that cannot be part of a network, in options.

Whatever is advised has been tried on the wiring: each option is one that a
user can type.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import LayerParameter, NetParameter
from keras_hypersphere.tools.caffe.layer_type import find_converter, layer_type
from keras_hypersphere.tools.caffe.network.data_layers import (
    MissingShape,
    find_shape,
    is_input,
)
from keras_hypersphere.tools.caffe.network.example_shape import (
    EXAMPLE,
    example,
)
from keras_hypersphere.tools.caffe.network.node import Node
from keras_hypersphere.tools.caffe.network.rules import PHASES, State
from keras_hypersphere.tools.caffe.network.training_only import read_bottoms

# What is told of a few layers is enough.
MOST_OUTPUTS = 6
# Rows of image, left, top, right, bottom.
BOX = 5
# The Python layer of Faster R-CNN: its tops are boxes and their scores.
PROPOSALS = "ProposalLayer"
PROPOSED = ((BOX,), (1,))
# Where the network does not tell.
UNKNOWN_SHAPE = "HxWxC"


# Words of the command line, and what they do.
Option = tuple[str, str]


def advise(options: Iterable[Option]) -> str:
    """Options in a sentence, the first one first; empty without any."""
    found = dict.fromkeys(" ".join(option).strip() for option in options)
    return "; " + ", or ".join(found) if found else ""


def check_types(nodes: Sequence[Node], file: str | None) -> None:
    """Refuses layers of a type that cannot be converted.

    Raises:
        UnsupportedLayerError: With what may be done about it.
    """
    layers = [node.parameter for node in nodes]
    broken = [layer for layer in layers if is_unknown(layer)]
    if broken:
        options = [*begins_behind(layers), *ends_before(layers, is_unknown)]
        first = broken[0]
        words = [words for words, _ in options if UNKNOWN_SHAPE not in words]
        find_converter(first.type, file, first, advise(options), words)


def is_unknown(layer: LayerParameter) -> bool:
    """Whether nobody can convert a layer."""
    return layer_type(layer.type).convert is None


def refuse_no_outputs(
    nodes: Sequence[Node], net: NetParameter, state: State, file: str | None
) -> None:
    """Says how a network without an end gets one."""
    last = [node for node in nodes if node.tops and node.type != "Input"]
    options = [(f"--outputs {node.parameter.top[0]}", "") for node in last[-1:]]

    def ends(other: State) -> bool:
        """Whether a state has layers, which may have an end."""
        return any(layer.bottom for layer in filter(other.includes, net.layer))

    if not last:
        options += other_states(net, state, ends)
    raise CaffeFormatError(
        "has no blob to return: no layer of this phase, stages and level "
        "makes one that nobody reads; see its `top` and its rules"
        + advise(options),
        file,
        advice=[words for words, _ in options],
    )


def refuse_unmade(
    layers: Sequence[LayerParameter],
    net: NetParameter,
    state: State,
    file: str | None,
) -> None:
    """Refuses a bottom that no layer makes, and says what to do."""
    found = list(unmade(layers, state.training))
    if not found:
        return
    layer, bottom = found[0]
    blobs = dict.fromkeys(blob for _, blob in found)

    def resolves(other: State) -> bool:
        """Whether all bottoms are made in another state, of known types."""
        chosen = list(filter(other.includes, net.layer))
        known = not other.training or not any(
            is_unknown(layer) and not is_input(layer) for layer in chosen
        )
        return known and not any(unmade(chosen, other.training))

    options = [
        *inputs_elsewhere(net, blobs, file),
        *other_states(net, state, resolves),
        *ends_before(layers, lambda _: False),
    ]
    index = list(layer.bottom).index(bottom)
    raise CaffeFormatError(
        f"bottom {index} is {bottom!r}, which no layer before it makes; "
        "correct the name, or the order of the layers"
        + advise(options)
        + (
            ""
            if options
            else f"; --input-shape {bottom}={UNKNOWN_SHAPE} makes it an input"
        ),
        file,
        layer.name,
        layer.type,
        [words for words, _ in options],
    )


def unmade(
    layers: Sequence[LayerParameter], training: bool
) -> Iterator[tuple[LayerParameter, str]]:
    """Yields layers with a bottom that they read and nobody makes before."""
    made: set[str] = set()
    for layer in layers:
        for bottom in read_bottoms(layer, training):
            if bottom not in made:
                yield layer, bottom
        made.update(layer.top)


def ends_before(
    layers: Sequence[LayerParameter], broken: Callable[[LayerParameter], bool]
) -> Iterator[Option]:
    """`--outputs` of what stands before layers that cannot be used."""
    made: set[str] = set()
    lost: set[str] = set()
    ends: dict[str, None] = {}
    for layer in layers:
        if broken(layer) or not made.issuperset(layer.bottom):
            ends.update(dict.fromkeys(made.intersection(layer.bottom)))
            lost.update(layer.top)
            made.difference_update(layer.top)
        else:
            made.update(layer.top)
    read = {bottom for layer in layers for bottom in layer.bottom}
    inputs = {top for layer in layers if is_input(layer) for top in layer.top}
    names = sorted(made - inputs - lost & (ends.keys() | made - read))
    if names and len(names) <= MOST_OUTPUTS:
        yield f"--outputs {','.join(names)}", "ends before it"


def begins_behind(layers: Sequence[LayerParameter]) -> Iterator[Option]:
    """`--input-shape` of what is read of layers that cannot be used."""
    read = {
        bottom
        for layer in layers
        if not is_unknown(layer) and layer.type != "Silence"
        for bottom in layer.bottom
    }
    shapes = {
        top: guess_shape(layers, top)
        for layer in layers
        if is_unknown(layer)
        for top in layer.top
        if top in read
    }
    words = [
        f"--input-shape {top}={'x'.join(map(str, shape or [UNKNOWN_SHAPE]))}"
        for top, shape in shapes.items()
    ]
    if words:
        yield " ".join(words), "begins behind it"


def guess_shape(
    layers: Sequence[LayerParameter], blob: str
) -> tuple[int, ...] | None:
    """A shape that readers may take; None where nothing tells."""
    for layer in layers:
        if blob in layer.top and layer.python_param.layer == PROPOSALS:
            return PROPOSED[list(layer.top).index(blob)]
    readers = [
        layer
        for layer in layers
        if blob in layer.bottom and not is_unknown(layer)
    ]
    for layer in readers:
        place = list(layer.bottom).index(blob)
        if "ROIPooling" in layer.type:
            return EXAMPLE if place == 0 else (BOX,)
        if layer.type == "Concat" and layer.top[0] not in layer.bottom:
            return guess_shape(layers, layer.top[0])
    first = layer_type(readers[0].type) if readers else None
    is_image = first is not None and first.message == "convolution_param"
    return EXAMPLE if is_image else None


def other_states(
    net: NetParameter, state: State, resolves: Callable[[State], bool]
) -> Iterator[Option]:
    """`--phase` and `--stages` of a state whose layers go together."""
    rules = [rule for layer in net.layer for rule in layer.include]
    stages = [frozenset(rule.stage) for rule in rules if rule.stage]
    for phase in (state.phase, 1 - state.phase):
        for stage in dict.fromkeys([frozenset(), *stages]):
            other = State(phase, state.stages | stage, state.level)
            if other == state or not resolves(other):
                continue
            words = [f"--phase {PHASES[phase]}"] * (phase != state.phase)
            words += [f"--stages {','.join(sorted(stage))}"] * bool(stage)
            yield " ".join(words), "has layers that go together"
            return


def inputs_elsewhere(
    net: NetParameter, blobs: Iterable[str], file: str | None
) -> Iterator[Option]:
    """`--input-shape` of blobs that data layers of other states make."""
    words = []
    for blob in blobs:
        for layer in net.layer:
            if blob in layer.top and layer_type(layer.type).is_data:
                index = list(layer.top).index(blob)
                try:
                    with warnings.catch_warnings():
                        # That channels are assumed.
                        warnings.simplefilter("ignore")
                        _, *dims = find_shape(layer, index, file)
                except MissingShape:
                    dims = example(net.layer, layer, index)
                dims = [*dims[1:], dims[0]] if len(dims) == 3 else dims
                words.append(f"--input-shape {blob}={'x'.join(map(str, dims))}")
                break
    if words:
        yield " ".join(words), "makes it an input"
