"""What each layer makes of a model's own activations, in float64.

Rounding grows with depth: after a hundred layers a right model may be far
from a float64 run of the whole network, and a wrong one near, where
activations vanish. So each layer is judged by itself. Its reference gets the
bottoms that the model computed, and its tops differ from the model's by the
rounding of one layer. If that holds for all layers, the activations solve the
network's equations, and no others do but for rounding.
"""

import functools
from collections.abc import Callable, Mapping

import numpy as np

from keras_hypersphere.tools.caffe.network.graph import Graph
from keras_hypersphere.tools.caffe.network.node import Node
from keras_hypersphere.tools.caffe.reference.layer import NoReference
from keras_hypersphere.tools.caffe.reference.run import compute
from keras_hypersphere.tools.caffe.verification.report import (
    TOLERANCE,
    Name,
    Row,
    compared,
    size_of,
)

REFERENCE = "reference"
Blobs = Callable[[Node], list[np.ndarray] | None]
# About ten roundings of a float32.
ROUNDING = 1e-6
# The largest of some changes by rounding, times this, is what a layer may be
# off by.
DRAWS = 3
MARGIN = 4
SEED = 0
# Numbers that rounding may change by more of the range prove nothing.
UNSURE = 100 * TOLERANCE


class LayerWise:
    """The reference of each layer of a graph, on a model's activations.

    Args:
        graph: The layers.
        blobs: What the model holds for a layer, or None.
        feed: The inputs by blob name, in Caffe's order of axes.
        mine: What the model computes, by numbers of values.
    """

    def __init__(
        self,
        graph: Graph,
        blobs: Blobs,
        feed: Mapping[str, np.ndarray],
        mine: Mapping[int, np.ndarray],
    ) -> None:
        self.graph = graph
        self.blobs = blobs
        self.feed = feed
        self.mine = mine
        self.makers = {n: node for node in graph.nodes for n in node.tops}
        # Rows come in the order of the layers; tops of one are made at once.
        self.tops = functools.lru_cache(maxsize=4)(self.make)

    def judge(
        self, name: Name, number: int, mine: np.ndarray, note: str = ""
    ) -> Row:
        """The row of a value that the model computes, or returns."""
        try:
            expected = self.expected(number)
        except NoReference as reason:
            return Row(*name, mine.shape, reason=str(reason), note=note)
        row = compared(name, mine, expected, REFERENCE, note)
        if row.status != "differs" or mine.shape != expected.shape:
            return row
        if overflows(expected):
            words = "numbers beyond float32 decide what the layer makes"
            return Row(*name, mine.shape, reason=words, note=note)
        if row.relative is None:
            return row
        allowed = self.rounding(number)
        if allowed is None:
            sure = 0.0
        else:
            sure = float((allowed <= UNSURE * size_of(expected)).mean())
        if allowed is None or sure < 0.5:
            words = "rounding decides what the layer makes of these inputs"
            return Row(*name, mine.shape, reason=words, note=note)
        return compared(name, mine, expected, REFERENCE, note, allowed)

    def expected(self, number: int) -> np.ndarray:
        """A value as its layer should make it.

        Raises:
            NoReference: If nobody can say.
        """
        return self.tops(number_of(self.makers[number]))[number]

    def make(self, first: int) -> dict[int, np.ndarray]:
        """The tops of the layer that makes a value."""
        node = self.makers[first]
        bottoms = {number: self.bottom(number) for number in node.bottoms}
        return self.run(node, bottoms)

    def bottom(self, number: int) -> np.ndarray:
        """What a layer reads.

        The model leaves out what only tells a size, as to a Crop.
        """
        value = self.mine.get(number)
        if value is None:
            return self.expected(number)
        return value.astype(np.float64)

    def run(
        self, node: Node, bottoms: Mapping[int, np.ndarray]
    ) -> dict[int, np.ndarray]:
        """The tops of one layer by their numbers."""
        blobs = self.blobs(node)
        try:
            tops = compute(node, bottoms, blobs, self.feed, self.graph.training)
        except NoReference as reason:
            raise NoReference(
                f"layer {node.name!r} ({node.type}): {reason}"
            ) from reason
        return dict(zip(node.tops, map(np.asarray, tops), strict=True))

    def rounding(self, number: int) -> np.ndarray | None:
        """How far off each number of a value may be by rounding alone.

        That is what changes if the bottoms change in their seventh digit:
        little where a layer is smooth; much where it takes the difference of
        large numbers, or chooses between boxes that are nearly equal. Whole
        numbers, such as labels and indices, are held exactly. None if the
        layer's tops have another shape then.
        """
        node = self.makers[number]
        exact = self.expected(number)
        random = np.random.default_rng(SEED)
        most = np.zeros(exact.shape)
        for _ in range(DRAWS):
            bottoms = {n: shake(random, self.bottom(n)) for n in node.bottoms}
            made = self.run(node, bottoms)[number]
            if made.shape != exact.shape:
                return None
            with np.errstate(all="ignore"):
                change = abs(made - exact)
            # Where both are infinite or NaN nothing changes.
            same = np.isnan(made) & np.isnan(exact) | (made == exact)
            most = np.fmax(most, np.where(same, 0, change))
        return MARGIN * most


def overflows(values: np.ndarray) -> bool:
    """Whether float64 holds numbers that float32 does not."""
    sizes = np.abs(values[np.isfinite(values)])
    return bool((sizes > np.finfo(np.float32).max).any())


def number_of(node: Node) -> int:
    """A layer's first top, which names it."""
    return node.tops[0]


def shake(random: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """Values that differ from others in the seventh digit."""
    whole = values == np.rint(values)
    noise = random.uniform(-ROUNDING, ROUNDING, values.shape)
    with np.errstate(all="ignore"):
        return np.where(whole, values, values * (1 + noise))
