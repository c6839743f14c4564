"""A rectangle of random area and shape within a photo."""

import math

import numpy as np

TRIES = 10


def region(
    shape: tuple[int, ...],
    scale: tuple[float, float],
    ratio: tuple[float, float],
    draw: np.random.Generator,
) -> tuple[int, int, int, int] | None:
    """(top, left, height, width), or None where none fits in ten tries.

    The area is uniform within `scale` of the photo's, the logarithm of width
    / height uniform within that of `ratio`, the place uniform: as torchvision
    draws them.
    """
    rows, columns = shape[:2]
    for _ in range(TRIES):
        area = rows * columns * draw.uniform(*scale)
        shape_of = math.exp(
            draw.uniform(math.log(ratio[0]), math.log(ratio[1]))
        )
        width = round(math.sqrt(area * shape_of))
        height = round(math.sqrt(area / shape_of))
        if 0 < width <= columns and 0 < height <= rows:
            top = int(draw.integers(rows - height + 1))
            left = int(draw.integers(columns - width + 1))
            return top, left, height, width
    return None
