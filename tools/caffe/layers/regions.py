"""ROIPooling: the largest values of regions, as Fast R-CNN has it.

A region falls into bins of any size. The largest value of any window is the
larger of those of a few windows of 2, 4, 8 … cells that cover it, so these
are computed once for each place, and each bin looks its own up.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.pooling import refuse_huge
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

# Bins are looked up for regions up to so many times the size of the blob.
REACH = 8


def roi_pooling_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """The largest value of each cell of a grid over each box."""
    x, boxes = bottoms
    settings = layer.parameter.roi_pooling_param
    rows, columns = settings.pooled_h, settings.pooled_w
    boxes = boxes.reshape(len(boxes), 5)
    made = np.zeros((len(boxes), x.shape[1], rows, columns))
    for box, top in zip(boxes, made, strict=True):
        image = x[int(box[0])]
        sides = np.tile(box[3:] - box[1:3] + 1, 2) * settings.pad_ratio
        padded = box[1:] + sides * [-1, -1, 1, 1]
        edges = half_away(padded * settings.spatial_scale)
        ys = cells(edges[1], edges[3], rows, x.shape[2])
        xs = cells(edges[0], edges[2], columns, x.shape[3])
        for i, (first, last) in enumerate(ys):
            for j, (left, right) in enumerate(xs):
                if first < last and left < right:
                    top[:, i, j] = image[:, first:last, left:right].max((1, 2))
    return made


def half_away(x: np.ndarray) -> np.ndarray:
    """C's `round`: halves go away from zero."""
    return (np.sign(x) * np.floor(np.abs(x) + 0.5)).astype(int)


def cells(start: int, end: int, count: int, size: int) -> list[tuple[int, int]]:
    """One side of the grid; Caffe computes in float32 here."""
    width = np.float32(max(end - start + 1, 1)) / np.float32(count)
    index = np.arange(count, dtype=np.float32)
    firsts = np.floor(index * width).astype(int) + start
    lasts = np.ceil((index + 1) * width).astype(int) + start
    return list(
        zip(np.clip(firsts, 0, size), np.clip(lasts, 0, size), strict=True)
    )


@register_layer(
    "ROIPooling",
    reference=roi_pooling_reference,
    message="roi_pooling_param",
    refused={"roi_pooling_param.pooled_size": "gives other bins"},
)
def roi_pooling(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.take`: maxima of the bins of regions, one sample for a region."""
    x, regions = layer.expect(inputs, 2)
    layer.expect([x], 1, rank=4)
    settings = layer.parameter.roi_pooling_param
    bins = settings.pooled_h, settings.pooled_w
    if min(bins) < 1:
        layer.fail("`pooled_h` and `pooled_w` must be positive")
    refuse_huge(layer, *(REACH * n * max(x.shape[1:3]) for n in bins))
    layer.batch = None
    regions = flatten(layer, regions, "flatten")
    if regions.shape[1] != 5:
        layer.fail(
            "takes regions of 5 numbers: which sample, x1, y1, x2, y2; bottom "
            f"1 has {regions.shape[1]}"
        )
    calculate = Calculator(layer)
    sample = calculate("cast", calculate("take", regions, 0, axis=1), "int32")
    if settings.pad_ratio:
        regions = padded(calculate, regions, settings.pad_ratio)
    scaled = calculate("multiply", regions, settings.spatial_scale)
    corners = rounded(calculate, scaled)
    rows: Sequence[Tensor]
    columns: Sequence[Tensor]
    rows, columns = (
        edges(calculate, corners, 2 - axis, bins[axis], x.shape[1 + axis])
        for axis in (0, 1)
    )
    # Regions, bins down, bins across.
    rows = [calculate("expand_dims", line, 2) for line in rows]
    columns = [calculate("expand_dims", line, 1) for line in columns]
    sample = calculate("reshape", sample, (-1, 1, 1))
    top = look_up(calculate, x, sample, rows, columns)
    filled = calculate(
        "logical_and",
        calculate("less", *rows[:2]),
        calculate("less", *columns[:2]),
    )
    filled = calculate("expand_dims", filled, 3)
    return layer.label(calculate("where", filled, top, 0.0))


class Calculator:
    """Calls `keras.ops` by name, for a layer."""

    def __init__(self, layer: Emission) -> None:
        self.layer = layer

    def __call__(self, name: str, *arguments: Any, **keywords: Any) -> Tensor:
        function = getattr(keras.ops, name)
        return self.layer.compute(function, *arguments, part=name, **keywords)

    def plus(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of arrays of different shapes.

        `ops.add` of TensorFlow takes a column that is as long as the other
        array has channels for a bias of these.
        """
        return self("subtract", x, self("negative", y))


def padded(calculate: Calculator, regions: Tensor, ratio: float) -> Tensor:
    """Regions that are larger by a part of their sides, at each of their ends.

    A field of the forks of MS-CNN and Cascade R-CNN.
    """
    last = calculate("take", regions, [0, 3, 4, 3, 4], axis=1)
    first = calculate("take", regions, [0, 1, 2, 1, 2], axis=1)
    sides = calculate("add", calculate("subtract", last, first), 1.0)
    pad = calculate("multiply", sides, ratio)
    signs = np.array([0, -1, -1, 1, 1], np.float32)
    return calculate("add", regions, calculate("multiply", pad, signs))


def rounded(calculate: Calculator, x: Tensor) -> Tensor:
    """C's `round`: halves go away from zero; corners may be negative."""
    size = calculate("absolute", x)
    whole = calculate("floor", size)
    # Exact, where adding a half to 0.49999997 is not.
    half = calculate(
        "cast",
        calculate("greater_equal", calculate("subtract", size, whole), 0.5),
        "float32",
    )
    up = calculate(
        "multiply", calculate("add", whole, half), calculate("sign", x)
    )
    return calculate("cast", up, "int32")


def edges(
    calculate: Calculator, corners: Tensor, first: int, bins: int, size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the bins begin and end along an axis, and their level.

    Args:
        calculate: Calls operations.
        corners: Regions x 5.
        first: Which of the 5 is the beginning; the end is two further on.
        bins: How many there are.
        size: Cells of the blob.
    """
    start, stop = (
        calculate("take", corners, [index], axis=1)
        for index in (first, first + 2)
    )
    length = calculate("subtract", stop, start)
    length = calculate("clip", length, 0, REACH * size - 1)
    # A division would be rounded in another way where XLA compiles it, and
    # Caffe's own float is not always the quotient: 7 x (n / 7) may exceed n.
    lengths = np.arange(1, REACH * size + 1, dtype=np.float32)[:, None]
    places = np.arange(bins + 1, dtype=np.float32)
    places = places * (lengths / np.float32(bins))
    found = []
    for table in (np.floor(places[:, :-1]), np.ceil(places[:, 1:])):
        line = calculate("take", table.astype("int32"), length, axis=0)
        line = calculate("squeeze", line, axis=1)
        line = calculate.plus(line, start)
        found.append(calculate("clip", line, 0, size))
    begin, end = found
    cells = calculate("clip", calculate("subtract", end, begin), 1, size)
    levels = np.array(
        [n.bit_length() - 1 for n in range(1, size + 1)], np.int32
    )
    level = calculate("take", levels, calculate("subtract", cells, 1))
    return begin, end, level


def look_up(
    calculate: Calculator,
    x: Tensor,
    sample: Tensor,
    rows: list[Tensor],
    columns: list[Tensor],
) -> Tensor:
    """The largest values of windows: regions x bins x bins x channels."""
    _, height, width, channels = x.shape
    tall, wide = height.bit_length(), width.bit_length()
    levels = [
        larger
        for level in powers(calculate, x, 1, tall)
        for larger in powers(calculate, level, 2, wide)
    ]
    table = calculate("stack", levels, axis=1)
    table = calculate("reshape", table, (-1, channels))
    level = calculate.plus(calculate("multiply", rows[2], wide), columns[2])
    page = calculate.plus(calculate("multiply", sample, len(levels)), level)
    top = None
    # Two windows of a power of two cover each side, from either end.
    for row in covering(calculate, rows, height):
        for column in covering(calculate, columns, width):
            place = calculate.plus(calculate("multiply", page, height), row)
            place = calculate.plus(calculate("multiply", place, width), column)
            found = calculate("take", table, place, axis=0)
            top = found if top is None else calculate("maximum", top, found)
    return top


def powers(
    calculate: Calculator, x: Tensor, axis: int, count: int
) -> list[Tensor]:
    """The largest of the 1, 2, 4 … cells that begin at each place."""
    made, size = [x], x.shape[axis]
    for level in range(count - 1):
        lines = np.minimum(np.arange(size) + 2**level, size - 1)
        further = calculate("take", made[-1], lines, axis=axis)
        made.append(calculate("maximum", made[-1], further))
    return made


def covering(
    calculate: Calculator, lines: list[Tensor], size: int
) -> list[Tensor]:
    """Where the two windows begin that cover a bin; anywhere for none."""
    begin, end, level = lines
    spans = 2 ** np.arange(size.bit_length())
    span = calculate("take", spans.astype("int32"), level)
    last = calculate("subtract", end, span)
    return [calculate("clip", line, 0, size - 1) for line in (begin, last)]
