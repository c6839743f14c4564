"""InnerProduct against the float64 reference."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

RANDOM = np.random.default_rng(0)
SHAPES = {2: (3, 4), 3: (3, 4, 5), 4: (3, 4, 5, 6), 5: (2, 3, 4, 2, 3)}
X = {n: RANDOM.standard_normal(s, np.float32) for n, s in SHAPES.items()}
# Its channels are in Caffe's order already.
X["flat"] = RANDOM.standard_normal((3, 4, 1, 1), np.float32)


def layer(settings):
    return (
        'layer { name: "l" type: "InnerProduct" bottom: "x" top: "y" '
        f"inner_product_param {{ num_output: 7 {settings} }} }}"
    )


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(
    "x, axis",
    [
        (2, 1),
        (2, -1),
        (3, 1),
        (3, 2),
        (4, 1),
        (4, 2),
        (4, 3),
        (4, -2),
        (5, 1),
        (5, 2),
        (5, 3),
        (5, 4),
        ("flat", 1),
        ("flat", 2),
        ("flat", 3),
    ],
)
def test_axes(x, axis, transpose, referenced):
    x = X[x]
    size = int(
        np.prod(x.shape[axis:] if axis > 0 else x.shape[x.ndim + axis :])
    )
    shape = (size, 7) if transpose else (7, size)
    weights = {"l": [RANDOM.random(shape), RANDOM.random(7)]}
    settings = f"axis: {axis} transpose: {str(transpose).lower()}"
    made = referenced(layer(settings), weights, x=x)["y"]
    assert made.shape == (*x.shape[: axis % x.ndim], 7)


def test_refused(net):
    with pytest.raises(UnsupportedLayerError, match="whole batch"):
        net(layer("axis: 0"), x=X[2])
    with pytest.raises(CaffeFormatError, match="axis 2"):
        net(layer("axis: 2"), x=X[2])
    with pytest.raises(CaffeFormatError, match="num_output"):
        net(layer("").replace("num_output: 7", ""), x=X[2])
