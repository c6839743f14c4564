"""Labels, losses and measures: what only training has.

In the phase TEST a converted network has none of them: losses and accuracies
go, heads lose their labels, and inputs that were read as labels alone go too.
What a loss read is then read by nobody, which makes it an output.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.layer_type import Labels, layer_type
from keras_hypersphere.tools.caffe.network.node import Node


def is_loss(type: str) -> bool:
    """Whether a layer type's first top counts in the loss by itself."""
    return type.endswith("Loss")


def loss_weights(layer: Any) -> list[float]:
    """What each top counts in the loss; Caffe's defaults are 1 and 0."""
    if layer.loss_weight:
        return list(layer.loss_weight)
    rest = len(layer.top) - 1
    return [float(is_loss(layer.type))] + [0.0] * rest if layer.top else []


def only_measures(layer: LayerParameter) -> bool:
    """Whether a layer is left out at inference.

    Forks have many losses. One that nobody declared is known by its name, or
    by its `loss_weight`.
    """
    kind = layer_type(layer.type)
    declared = kind.convert is not None or kind.is_data
    return kind.left_out or (
        not declared and (is_loss(layer.type) or any(layer.loss_weight))
    )


def labels_of(layer: LayerParameter) -> Labels | None:
    """How a layer reads labels; an unknown loss has them after its first
    bottom.
    """
    found = layer_type(layer.type).labels
    return found or (Labels() if only_measures(layer) else None)


def read_bottoms(layer: LayerParameter, training: bool) -> Sequence[str]:
    """The bottoms that a layer reads: at inference a loss reads none, and a
    head no labels.
    """
    if training:
        return layer.bottom
    if only_measures(layer):
        return ()
    labels = labels_of(layer)
    return layer.bottom[: labels.place] if labels else layer.bottom


def check(layer: LayerParameter, file: str | None, training: bool) -> None:
    """Refuses what Caffe refuses of losses, also of those left out.

    Raises:
        CaffeFormatError: For a wrong number of bottoms, tops or weights.
    """
    if not training and not layer_type(layer.type).convert:
        return

    def fail(message: str) -> None:
        raise CaffeFormatError(message, file, layer.name, layer.type)

    reader = layer_type(layer.type).labels
    tops = len(layer.top)
    if reader is not None:
        fewest, most = reader.bottoms
        if not fewest <= len(layer.bottom) <= most:
            fail(
                f"has {len(layer.bottom)} bottoms; it takes "
                + (f"{fewest} to {most}" if most > fewest else f"{fewest}")
            )
        if tops > reader.tops:
            fail(f"has {tops} tops; it makes at most {reader.tops}")
    given = len(layer.loss_weight)
    # Caffe makes the top of a loss that names none, and gives a loss that
    # has no weight one for its first top alone.
    if given and given != max(tops, is_loss(layer.type)):
        fail(f"has {tops} tops and {given} `loss_weight`; give one for each")
    if is_loss(layer.type) and not given and tops > 1:
        fail(f"has {tops} tops and no `loss_weight`; give one for each")


def whole_labels(nodes: Sequence[Node]) -> set[int]:
    """Numbers of the values that are read as class indices."""
    found = set()
    for node in nodes:
        reader = layer_type(node.type).labels
        if reader is not None and reader.whole:
            found.update(node.bottoms[reader.place : reader.place + 1])
    return found


def leave_out_training(
    nodes: Sequence[Node], file: str | None = None
) -> list[Node]:
    """The nodes that inference needs."""
    kept: list[Node] = []
    used = {
        number
        for node in nodes
        if node.type != "Silence" and not only_measures(node.parameter)
        for number in node.bottoms
    }
    doomed: set[int] = set()
    gone: set[int] = set()
    for node in nodes:
        reader = labels_of(node.parameter)
        if reader is not None:
            doomed.update(node.bottoms[reader.place :])
        # What reads a loss goes with it.
        late = node.type != "Silence" and gone.intersection(node.bottoms)
        known = layer_type(node.type).left_out
        guessed = only_measures(node.parameter) and used.isdisjoint(node.tops)
        if late or known or guessed:
            gone.update(node.tops)
            if not (late or known):
                warn_of_loss(node, file)
            continue
        if layer_type(node.type).is_head:
            gone.update(node.tops[1:])
            node = node.cut(node.bottoms[: reader.place], node.tops[:1])
        kept.append(node)
    doomed = only_labels(kept, doomed) | gone
    doomed = only_labels(kept, doomed)
    remaining = []
    for node in kept:
        if node.type == "Silence":
            node = node.cut([v for v in node.bottoms if v not in doomed], [])
            useless = not node.bottoms
        else:
            made = [v for v in node.tops if v not in doomed]
            useless = bool(node.tops) and not made
            if node.type == "Input":
                node = node.cut([], made)
        if not useless:
            remaining.append(node)
    return remaining


def warn_of_loss(node: Node, file: str | None) -> None:
    """Says that a layer was taken for a loss."""
    warnings.warn(
        f"{file or 'the network'}: layer {node.name!r} ({node.type}) is of a "
        "type that nobody declared; as nothing reads it, it is left out like "
        "a loss",
        stacklevel=2,
    )


def passes_labels(node: Node) -> bool:
    """Whether a layer may be there only to make labels.

    Of a type that nobody can convert it is taken for granted.
    """
    kind = layer_type(node.type)
    return kind.passes_labels or not kind.convert


def only_labels(nodes: Sequence[Node], labels: set[int]) -> set[int]:
    """Of values read as labels, and what they are made of: all that no
    other layer reads, back to the inputs.
    """
    doomed = set(labels)
    for node in reversed(nodes):
        if passes_labels(node) and node.tops and doomed.issuperset(node.tops):
            doomed.update(node.bottoms)
    before = None
    while before != doomed:
        before = set(doomed)
        for node in nodes:
            whole = node.type == "Silence" or (
                bool(node.tops) and doomed.issuperset(node.tops)
            )
            if not whole:
                doomed.difference_update(node.bottoms)
            kind = layer_type(node.type)
            from_labels = doomed.issuperset(node.bottoms) or not kind.convert
            if node.type != "Input" and not (
                passes_labels(node) and whole and from_labels
            ):
                doomed.difference_update(node.tops)
    return doomed
