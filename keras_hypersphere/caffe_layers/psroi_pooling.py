"""Means of the cells of regions, each cell of the grid from channels of its
own: R-FCN's pooling.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere import arguments

# Regions may reach over so many times the size of the map.
REACH = 8
# The least side of a region, in cells.
LEAST = 0.1


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class PSROIPooling(keras.layers.Layer):
    """Position-sensitive pooling of regions.

    A region is parted into a grid. Each cell of the grid has channels of its
    own in the input, and the output is their mean over the cell.

    Args:
        output_dim: int, channels of the output.
        group_size: int, cells of the grid along each side.
        spatial_scale: float, a power of two: cells of the map for a pixel of
            the image. Other scales would be rounded in another way on each
            machine.

    Call arguments:
        inputs: list of two: the map `(N, H, W, output_dim * group_size ** 2)`,
            and regions `(R, 5)`: sample, x1, y1, x2, y2, in pixels.

    Output shape:
        `(R, group_size, group_size, output_dim)`; 0 for cells that lie
        outside the map.

    Reference:
        R-FCN: Object Detection via Region-based Fully Convolutional Networks
        (2016), https://arxiv.org/abs/1605.06409, and its layer of this name.
    """

    def __init__(
        self,
        output_dim: int,
        group_size: int,
        spatial_scale: float,
        **kwargs: Any,
    ) -> None:
        # Corners in half precision would lie elsewhere.
        super().__init__(autocast=False, **kwargs)
        self.output_dim = arguments.positive_integer("output_dim", output_dim)
        self.group_size = arguments.positive_integer("group_size", group_size)
        self.spatial_scale = arguments.number(
            "spatial_scale", spatial_scale, positive=True
        )
        if math.frexp(self.spatial_scale)[0] != 0.5:
            raise ValueError(
                "`spatial_scale` must be a power of two, such as 0.0625. "
                f"Received: spatial_scale={spatial_scale}."
            )

    def call(self, inputs: Sequence[Any]) -> Any:
        x, regions = (ops.cast(array, "float32") for array in inputs)
        _, height, width, _ = x.shape
        samples, grid = ops.shape(x)[0], self.group_size
        # C rounds halves away from zero.
        corners = ops.sign(regions) * ops.floor(ops.abs(regions) + 0.5)
        rows, tall = self.cells(corners[:, 2], corners[:, 4], height)
        columns, wide = self.cells(corners[:, 1], corners[:, 3], width)
        own = ops.cast(regions[:, :1], "int32") == ops.arange(samples)[None]
        x = ops.reshape(x, (-1, self.output_dim, grid, grid))
        made = []
        for i in range(grid):
            line = []
            for j in range(grid):
                cell = (
                    own[:, :, None, None]
                    & rows[:, None, i, :, None]
                    & columns[:, None, j, None, :]
                )
                cell = ops.reshape(
                    ops.cast(cell, "float32"),
                    (-1, samples * height * width),
                )
                line.append(ops.matmul(cell, x[:, :, i, j]))
            made.append(ops.stack(line, axis=1))
        size = tall[:, :, None] * wide[:, None, :]
        return ops.stack(made, axis=1) / ops.maximum(size, 1.0)[..., None]

    def cells(self, start: Any, stop: Any, size: int) -> tuple[Any, Any]:
        """Which cells of an axis lie in each part of the grid, and how many.

        Args:
            start: First pixel of each region.
            stop: Its last pixel.
            size: Cells of the axis.

        Returns:
            Regions x grid x cells, and regions x grid.
        """
        # A product that comes before a sum, or a quotient, would be rounded
        # in another way where it is compiled: so they are looked up.
        most = int(REACH * size / self.spatial_scale) + 1
        lengths = np.arange(most + 1) * self.spatial_scale
        lengths = np.maximum(lengths, LEAST).astype("f4")[:, None]
        parts = np.arange(self.group_size + 1, dtype="f4")
        table = parts * (lengths / np.float32(self.group_size))
        length = ops.clip(stop + 1.0 - start, 0, most)
        offsets = ops.take(
            ops.convert_to_tensor(table), ops.cast(length, "int32"), axis=0
        )
        edges = offsets + (start * self.spatial_scale)[:, None]
        first = ops.clip(ops.floor(edges[:, :-1]), 0, size)
        last = ops.clip(ops.ceil(edges[:, 1:]), 0, size)
        places = ops.arange(size, dtype="float32")
        inside = (places >= first[..., None]) & (places < last[..., None])
        return inside, ops.maximum(last - first, 0.0)

    def compute_output_shape(self, input_shape: Sequence[tuple]) -> tuple:
        grid = self.group_size
        return (input_shape[1][0], grid, grid, self.output_dim)

    def compute_output_spec(self, inputs: Sequence[Any]) -> Any:
        shape = self.compute_output_shape([x.shape for x in inputs])
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        return {
            **config,
            "output_dim": self.output_dim,
            "group_size": self.group_size,
            "spatial_scale": self.spatial_scale,
        }
