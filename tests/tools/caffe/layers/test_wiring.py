"""Concat and Slice along the batch, Tile, BatchReindex."""

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

RANDOM = np.random.default_rng(0)
A, B = RANDOM.standard_normal((2, 4, 3, 2, 5), np.float32)
TWICE = """
layer { name: "c" type: "Concat" bottom: "a" bottom: "b" top: "c"
        concat_param { axis: 0 } }
layer { name: "r" type: "Power" bottom: "c" top: "r"
        power_param { scale: 2 } }
"""
HALVES = (
    TWICE
    + """
layer { name: "s" type: "Slice" bottom: "r" top: "p" top: "q"
        slice_param { axis: 0 } }
layer { name: "e" type: "Eltwise" bottom: "p" bottom: "q" top: "e"
        eltwise_param { operation: MAX } }
"""
)


def test_halves_of_a_doubled_batch(net):
    np.testing.assert_array_equal(
        net(TWICE, a=A, b=B)["r"], 2 * np.concatenate([A, B])
    )
    np.testing.assert_array_equal(
        net(HALVES, a=A, b=B)["e"], 2 * np.maximum(A, B)
    )
    ones = np.ones((7, 2, 5, 3), np.float32)
    made = net.model.predict([ones, 3 * ones], batch_size=3, verbose=0)
    np.testing.assert_array_equal(made, 6 * ones)


def test_points_in_the_batch(net):
    text = """
layer { name: "s" type: "Slice" bottom: "a" top: "p" top: "q" top: "r"
        slice_param { axis: 0 slice_point: 1 slice_point: 3 } }
layer { name: "f" type: "Flatten" bottom: "q" top: "f" }
layer { name: "e" type: "Eltwise" bottom: "p" bottom: "r" top: "e" }
"""
    if tuple(map(int, keras.__version__.split(".")[:2])) < (3, 13):
        with pytest.raises(UnsupportedLayerError, match="needs Keras"):
            net(text, a=A)
        return
    made = net(text, a=A)
    np.testing.assert_array_equal(made["f"], A[1:3].reshape(2, -1))
    np.testing.assert_array_equal(made["e"], A[:1] + A[3:])


@pytest.mark.parametrize("points", ["2 slice_point: 1", "0", "1"])
def test_points_that_do_not_rise(points, net):
    tops = 'top: "p" top: "q"' + ' top: "r"' * (points == "1")
    text = (
        f'layer {{ name: "s" type: "Slice" bottom: "a" {tops} '
        f"slice_param {{ axis: 0 slice_point: {points} }} }}"
    )
    with pytest.raises(CaffeFormatError, match="slice_point"):
        net(text, a=A)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_tile(axis, net):
    text = (
        'layer { name: "t" type: "Tile" bottom: "a" top: "t" '
        f"tile_param {{ axis: {axis} tiles: 3 }} }}"
    )
    repeats = [1] * 4
    repeats[axis] = 3
    for x in (A, A.reshape(4, 3, 1, 10)):
        np.testing.assert_array_equal(net(text, a=x)["t"], np.tile(x, repeats))


def test_tile_wants_a_number(net):
    with pytest.raises(CaffeFormatError, match="tiles"):
        net('layer { name: "t" type: "Tile" bottom: "a" top: "t" }', a=A)


def test_batch_reindex(net):
    text = """
layer { name: "t" type: "BatchReindex" bottom: "a" bottom: "n" top: "t" }
"""
    numbers = np.array([3, 0, 0, 2, 1], np.float32)
    made = net(text, a=A, n=numbers)["t"]
    np.testing.assert_array_equal(made, A[numbers.astype(int)])
    with pytest.raises(CaffeFormatError, match="list of numbers"):
        net(text, a=A, n=numbers[:, None])
