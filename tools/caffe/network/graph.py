"""NetParameter → the layers to convert, in order, with their wiring.

Caffe runs layers in the order of the file. A blob's name may stand for
several values: a layer whose top is its bottom changes the blob in place,
and whoever reads the name later gets the new value. So each value gets a
number here, and nodes are wired by numbers.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.reader import refuse_many
from keras_hypersphere.caffe_format.schema import LayerParameter, NetParameter
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.layer_type import (
    layer_type,
    refuse_unread,
    warn_unread,
)
from keras_hypersphere.tools.caffe.network.advice import (
    refuse_no_outputs,
    refuse_unmade,
)
from keras_hypersphere.tools.caffe.network.cutting import cut
from keras_hypersphere.tools.caffe.network.data_layers import (
    as_inputs,
    check_shapes,
    without_idle_tops,
)
from keras_hypersphere.tools.caffe.network.node import Node
from keras_hypersphere.tools.caffe.network.rules import State
from keras_hypersphere.tools.caffe.network.training_only import (
    check,
    is_loss,
    leave_out_training,
    whole_labels,
)

# Keras takes a millisecond for each, and squared time for inputs.
MOST_BLOBS = 10_000
MOST_IN_LAYER = 1000
# Of Python's, one within the other, which a small stack still holds.
MOST_CALLS = 3000


@dataclass
class Graph:
    """The layers that the outputs need.

    Attributes:
        nodes: In the order of the file.
        values: Blob name of each value.
        outputs: Numbers of the values that the model returns.
        whole: Numbers of the values that are read as class indices.
        fixed: Numbers of the values that make weights, whose first axis is
            no batch.
        shared: Who uses each blob that has a name (`param { name }`): layers
            and numbers of their blobs, those among them that are left out.
        training: Whether the phase is TRAIN.
    """

    nodes: list[Node]
    values: list[str]
    outputs: list[int]
    whole: set[int] = field(default_factory=set)
    fixed: set[int] = field(default_factory=set)
    shared: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    training: bool = False

    @property
    def inputs(self) -> dict[str, list[int]]:
        """The shape of each input, as Caffe has it, by blob name."""
        return {
            top: list(shapes[index % len(shapes)].dim) if shapes else []
            for node in self.nodes
            if node.type == "Input"
            for shapes in [node.parameter.input_param.shape]
            for index, top in enumerate(node.parameter.top)
        }


def build_graph(
    net: NetParameter,
    state: State,
    outputs: Sequence[str] | None = None,
    file: str | None = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
) -> Graph:
    """Wires the layers of one state, and leaves out what no output needs.

    Data layers become inputs. In the phase TEST, what only training has is
    left out too, see `training_only.py`.

    Args:
        net: The network, in today's format.
        state: Phase, stages and level.
        outputs: Blob names. Default: what no layer reads, sorted.
        file: Named in errors.
        input_shapes: Shapes of inputs by blob name, channels-last and
            without the batch, where the network does not say or the user
            wants others.

    Raises:
        CaffeFormatError: For an unknown bottom, a top made twice, or a blob
            that is changed in place after another layer has read it.
        ValueError: If `outputs` names a blob that the network does not have.
    """
    refuse_many(len(net.layer), file)
    refuse_wide(net.layer, file)
    layers = choose(net, state, outputs, file, input_shapes or {})
    if state.training:
        layers = name_losses(layers)
    for layer in layers:
        check(layer, file, state.training)
    refuse_unmade(layers, net, state, file)
    nodes, values, current = wire(layers, file)
    read = Counter(number for node in nodes for number in node.bottoms)
    for node in nodes:
        refuse_late_change(node, values, read, file)
    whole = whole_labels(nodes) if state.training else set()
    if not state.training:
        nodes = leave_out_training(nodes, file)
        read = Counter(number for node in nodes for number in node.bottoms)
        made = {number for node in nodes for number in node.tops}
        current = {n: number for n, number in current.items() if number in made}
    refuse_unread([node.parameter for node in nodes], file)
    warn_unread(net.layer, file)
    if outputs is None:
        outputs = sorted(n for n, number in current.items() if not read[number])
    refuse_training_outputs(outputs, current)
    if not outputs:
        refuse_no_outputs(nodes, net, state, file)
    results = [current[name] for name in outputs]
    refuse_long_rows(nodes, results, file)
    weights = find_weights(nodes)
    shared = named_blobs(filter(state.includes, net.layer))
    return Graph(nodes, values, results, whole, weights, shared, state.training)


def choose(
    net: NetParameter,
    state: State,
    outputs: Sequence[str] | None,
    file: str | None,
    shapes: Mapping[str, Sequence[int]],
) -> list[LayerParameter]:
    """The layers of a state that lead to the outputs, data layers as inputs."""
    for layer in net.layer:
        state.check(layer, file)
    layers = list(filter(state.includes, net.layer))
    check_shapes(layers, shapes)
    layers = cut(layers, shapes, state.training, file)
    if outputs is not None:
        layers = needed(layers, check_outputs(outputs, layers))
    layers = without_idle_tops(layers, outputs, state.training)
    return as_inputs(layers, shapes, file)


def refuse_wide(layers: Sequence[LayerParameter], file: str | None) -> None:
    """Refuses more blobs than Keras can wire in a few seconds."""
    blobs = [max(len(layer.bottom), len(layer.top)) for layer in layers]
    inputs = [len(layer.top) for layer in layers if not layer.bottom]
    for number, most, what in (
        (max(blobs, default=0), MOST_IN_LAYER, "bottoms or tops in a layer"),
        (sum(blobs), MOST_BLOBS, "bottoms or tops"),
        (sum(inputs), MOST_IN_LAYER, "inputs"),
    ):
        if number > most:
            raise CaffeFormatError(
                f"has {number} {what}; {most} are the most. No network of "
                "Caffe's has so many: see whether the file is damaged",
                file,
            )


def refuse_long_rows(
    nodes: Sequence[Node], outputs: Sequence[int], file: str | None
) -> None:
    """Refuses what is deeper than Keras follows, before anything is built.

    Keras calls itself for each layer on its way from an output to an input.
    Here layers are counted on the shortest way, and only those that surely
    are a layer of Keras; `assemble` refuses what is deeper than it looks.
    """
    depths = dict.fromkeys(outputs, 0)
    most = max(sys.getrecursionlimit(), MOST_CALLS)
    for node in reversed(nodes):
        reached = [depths[top] for top in node.tops if top in depths]
        if not reached:
            continue
        depth = min(reached) + layer_type(node.type).is_one_layer
        if depth > most:
            raise UnsupportedLayerError(
                f"has more than {depth} layers in a row, and Keras follows no "
                f"more than Python's limit of {most} calls; raise it by "
                "sys.setrecursionlimit, here and where the model is loaded",
                file,
            )
        for bottom in node.bottoms:
            depths[bottom] = min(depth, depths.get(bottom, depth))


def name_losses(layers: Sequence[LayerParameter]) -> list[LayerParameter]:
    """Gives losses that name no top one, as Caffe does."""
    blobs = {top for layer in layers for top in layer.top}
    made_of: Counter[str] = Counter()
    named = []
    for layer in layers:
        if is_loss(layer.type) and not layer.top:
            made, name = LayerParameter(), layer.name
            top = name
            while top in blobs:
                made_of[name] += 1
                top = f"{name}_loss{made_of[name] if made_of[name] > 1 else ''}"
            blobs.add(top)
            made.CopyFrom(layer)
            made.top.append(top)
            layer = made
        named.append(layer)
    return named


def refuse_training_outputs(
    outputs: Sequence[str], current: dict[str, int]
) -> None:
    """`outputs` may not ask for what the phase leaves out."""
    for name in outputs:
        if name not in current:
            raise ValueError(
                f"`outputs` names {name!r}, which only training has; leave "
                'it out, or pass phase="TRAIN". '
                f"Received: outputs={list(outputs)!r}"
            )


def find_weights(nodes: Sequence[Node]) -> set[int]:
    """The second bottoms of products and distances, and what makes them."""
    found = set()
    for node in reversed(nodes):
        if node.type in ("InnerProduct", "InnerDistance"):
            found.update(node.bottoms[1:2])
        if found.intersection(node.tops):
            found.update(node.bottoms)
    return found


def named_blobs(
    layers: Iterable[LayerParameter],
) -> dict[str, list[tuple[str, int]]]:
    """The users of each blob that has a name, in the order of the file."""
    users: dict[str, list[tuple[str, int]]] = {}
    for layer in layers:
        for index, spec in enumerate(layer.param):
            if spec.name:
                users.setdefault(spec.name, []).append((layer.name, index))
    return users


def wire(
    layers: Sequence[LayerParameter], file: str | None
) -> tuple[list[Node], list[str], dict[str, int]]:
    """Numbers the values. Returns nodes, blob names, and last values."""
    nodes: list[Node] = []
    values: list[str] = []
    current: dict[str, int] = {}
    for layer in layers:
        node = Node(layer)
        for bottom in layer.bottom:
            if bottom not in current:
                # Of a layer that is left out; see `refuse_unmade`.
                current[bottom] = len(values)
                values.append(bottom)
            node.bottoms.append(current[bottom])
        made = set()
        for index, top in enumerate(layer.top):
            in_place = index < len(layer.bottom) and layer.bottom[index] == top
            if top in made or (top in current and not in_place):
                raise CaffeFormatError(
                    f"makes the blob {top!r}, which another layer makes too; "
                    "rename the top, or choose one layer by phase or stage",
                    file,
                    layer.name,
                    layer.type,
                )
            made.add(top)
            node.tops.append(len(values))
            values.append(top)
        for number in node.tops:
            current[values[number]] = number
        nodes.append(node)
    return nodes, values, current


def refuse_late_change(
    node: Node, values: list[str], read: Counter, file: str | None
) -> None:
    """Caffe cannot change a blob in place that others read before."""
    for bottom, top in zip(node.bottoms, node.tops, strict=False):
        if values[bottom] == values[top] and read[bottom] > 1:
            raise CaffeFormatError(
                f"changes the blob {values[top]!r} in place, which another "
                "layer has read already; give it a top of its own",
                file,
                node.name,
                node.type,
            )


def check_outputs(
    outputs: Sequence[str], layers: Sequence[LayerParameter]
) -> list[str]:
    """The names asked for, if the network has them."""
    if isinstance(outputs, str):
        outputs = [outputs]
    try:
        names = list(outputs)
        dict.fromkeys(names)
    except TypeError:
        names = []
    blobs = dict.fromkeys(top for layer in layers for top in layer.top)
    wrong = [name for name in names if name not in blobs]
    if wrong or not names or len(set(names)) < len(names):
        raise ValueError(
            "`outputs` must name different blobs of the network: "
            f"{', '.join(blobs)}. Received: outputs={outputs!r}"
        )
    return names


def needed(
    layers: Sequence[LayerParameter], outputs: Sequence[str]
) -> list[LayerParameter]:
    """The layers that the last values of some blobs depend on."""
    wanted, kept = set(outputs), []
    for layer in reversed(layers):
        if wanted.intersection(layer.top):
            wanted.difference_update(layer.top)
            wanted.update(layer.bottom)
            kept.append(layer)
    return kept[::-1]
