"""PSROIPooling: R-FCN's pooling of regions."""

import math

import numpy as np

from keras_hypersphere.caffe_layers.psroi_pooling import PSROIPooling
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


def psroi_pooling_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """The mean of each cell of a grid, over channels of its own."""
    x, boxes = bottoms
    settings = layer.parameter.psroi_pooling_param
    grid = settings.group_size
    boxes = boxes.reshape(len(boxes), 5)
    made = np.zeros((len(boxes), settings.output_dim, grid, grid))
    for box, top in zip(boxes, made, strict=True):
        maps = x[int(box[0])].reshape(-1, grid, grid, *x.shape[2:])
        rows, columns = (
            edges(box[[first, first + 2]], grid, settings.spatial_scale)
            for first in (2, 1)
        )
        for i, j in np.ndindex(grid, grid):
            cell = maps[
                :,
                i,
                j,
                max(rows[i][0], 0) : max(rows[i][1], 0),
                max(columns[j][0], 0) : max(columns[j][1], 0),
            ]
            if cell.size:
                top[:, i, j] = cell.mean((1, 2))
    return made


def edges(ends: np.ndarray, count: int, scale: float) -> list[tuple[int, int]]:
    """Where the parts of a side begin and end; Caffe has float32 here."""
    f4 = np.float32
    low, high = (np.sign(ends) * np.floor(abs(ends) + 0.5)).astype(f4)
    start = low * f4(scale)
    side = f4(max(float((high + f4(1)) * f4(scale) - start), 0.1)) / f4(count)
    return [
        (
            math.floor(f4(part) * side + start),
            math.ceil(f4(part + 1) * side + start),
        )
        for part in range(count)
    ]


@register_layer(
    "PSROIPooling",
    reference=psroi_pooling_reference,
    message="psroi_pooling_param",
)
def psroi_pooling(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Our `PSROIPooling`: one sample for a region."""
    x, regions = layer.expect(inputs, 2)
    layer.expect([x], 1, rank=4)
    layer.batch = None
    settings = layer.parameter.psroi_pooling_param
    grid, units = settings.group_size, settings.output_dim
    if grid < 1 or units < 1:
        layer.fail("`group_size` and `output_dim` must be positive")
    if x.shape[3] != units * grid**2:
        layer.fail(
            f"takes {units * grid**2} channels, `output_dim` x `group_size` x "
            f"`group_size`; bottom 0 has {x.shape[3]}"
        )
    scale = settings.spatial_scale
    if not scale > 0 or math.frexp(scale)[0] != 0.5:
        layer.unsupported(
            f"`spatial_scale: {scale:g}` is not supported; a power of two is, "
            "such as 0.0625"
        )
    regions = flatten(layer, regions, "flatten")
    if regions.shape[1] != 5:
        layer.fail(
            "takes regions of 5 numbers: which sample, x1, y1, x2, y2; bottom "
            f"1 has {regions.shape[1]}"
        )
    return layer.add(
        PSROIPooling,
        [x, regions],
        output_dim=units,
        group_size=grid,
        spatial_scale=scale,
    )
