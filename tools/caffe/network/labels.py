"""Labels, losses and measures: what only training has.

In the phase TEST a converted network has none of them: losses and accuracies
go, heads lose their labels, and inputs that were read as labels alone go too.
What a loss read is then read by nobody, which makes it an output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.network.node import Node


@dataclass(frozen=True)
class Reader:
    """How a layer type reads labels.

    Attributes:
        labels: Number of the first bottom that is a label; then come weights.
        bottoms: The fewest and the most bottoms.
        tops: The most tops.
        whole: Whether labels are whole numbers.
    """

    labels: int = 1
    bottoms: tuple[int, int] = (2, 3)
    tops: int = 1
    whole: bool = True


# Layers without a meaning at inference.
LEFT_OUT = {
    "Accuracy": Reader(tops=2),
    "CenterLoss": Reader(bottoms=(2, 2)),
    "ContrastiveLoss": Reader(labels=2, bottoms=(3, 3)),
    "EuclideanLoss": Reader(bottoms=(2, 2), whole=False),
    "GeneralContrastiveLoss": Reader(tops=2),
    "GeneralTripletLoss": Reader(bottoms=(2, 2), tops=2),
    "HingeLoss": Reader(bottoms=(2, 2)),
    "InfogainLoss": Reader(tops=2),
    "MultinomialLogisticLoss": Reader(bottoms=(2, 2)),
    "SigmoidCrossEntropyLoss": Reader(whole=False),
    "SmoothL1Loss": Reader(bottoms=(2, 4), whole=False),
    "SoftmaxWithLoss": Reader(tops=1),
}
# Layers that give logits or distances at inference, without their labels.
HEADS = {
    "InnerDistance": Reader(labels=2, bottoms=(1, 3)),
    "LabelSpecificAdd": Reader(bottoms=(1, 2), tops=2),
    "LargeMarginInnerProduct": Reader(bottoms=(1, 2), tops=2),
    "MarginInnerProduct": Reader(bottoms=(1, 2), tops=2),
}
READERS = LEFT_OUT | HEADS
# What labels may go through on their way; what learns makes no labels.
PASSAGES = {
    "Concat",
    "Eltwise",
    "Flatten",
    "Power",
    "Reshape",
    "Slice",
    "Split",
    "Threshold",
}


def is_loss(type: str) -> bool:
    """Whether a layer type's first top counts in the loss by itself."""
    return type.endswith("Loss")


def loss_weights(layer: Any) -> list[float]:
    """What each top counts in the loss; Caffe's defaults are 1 and 0."""
    if layer.loss_weight:
        return list(layer.loss_weight)
    rest = len(layer.top) - 1
    return [float(is_loss(layer.type))] + [0.0] * rest if layer.top else []


def check(layer: LayerParameter, file: str | None) -> None:
    """Refuses what Caffe refuses of losses, also of those left out.

    Raises:
        CaffeFormatError: For a wrong number of bottoms, tops or weights.
    """

    def fail(message: str) -> None:
        raise CaffeFormatError(message, file, layer.name, layer.type)

    reader = READERS.get(layer.type)
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
        reader = READERS.get(node.type)
        if reader is not None and reader.whole:
            found.update(node.bottoms[reader.labels : reader.labels + 1])
    return found


def leave_out_training(nodes: Sequence[Node]) -> list[Node]:
    """The nodes that inference needs."""
    kept: list[Node] = []
    doomed: set[int] = set()
    gone: set[int] = set()
    for node in nodes:
        reader = READERS.get(node.type)
        if reader is not None:
            doomed.update(node.bottoms[reader.labels :])
        # What reads a loss goes with it.
        late = node.type != "Silence" and gone.intersection(node.bottoms)
        if node.type in LEFT_OUT or late:
            gone.update(node.tops)
            continue
        if node.type in HEADS:
            gone.update(node.tops[1:])
            node = node.cut(node.bottoms[: reader.labels], node.tops[:1])
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


def only_labels(nodes: Sequence[Node], labels: set[int]) -> set[int]:
    """Of values read as labels, and what they are made of: all that no
    other layer reads, back to the inputs.
    """
    doomed = set(labels)
    for node in reversed(nodes):
        if node.type in PASSAGES and doomed.issuperset(node.tops):
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
            from_labels = node.type in PASSAGES and whole
            if node.type != "Input" and not (
                from_labels and doomed.issuperset(node.bottoms)
            ):
                doomed.difference_update(node.tops)
    return doomed
