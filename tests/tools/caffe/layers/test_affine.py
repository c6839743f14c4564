"""Scale, Bias and Axpy against NumPy's broadcasting, in Caffe's order."""

import json
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

RANDOM = np.random.default_rng(0)
SHAPES = {2: (3, 4), 3: (3, 4, 5), 4: (3, 4, 5, 6), 5: (2, 3, 4, 2, 3)}
X = {n: RANDOM.standard_normal(s, np.float32) for n, s in SHAPES.items()}
GOLDEN = Path(__file__).parents[3] / "fixtures" / "golden"


def scale(settings, bottoms='bottom: "x"'):
    return (
        f'layer {{ name: "l" type: "Scale" {bottoms} top: "y" '
        f"scale_param {{ {settings} }} }}"
    )


def wide(values, axis, rank):
    """Numbers for axes of Caffe's from one on."""
    return values.reshape(*values.shape, *[1] * (rank - axis - values.ndim))


@pytest.mark.parametrize(
    "rank, axis, count",
    [
        (2, 1, 1),
        (2, -1, 1),
        (2, 1, 0),
        (3, 1, 1),
        (3, 1, -1),
        (4, 1, 1),
        (4, 2, 1),
        (4, -1, 1),
        (4, 1, 2),
        (4, 2, 2),
        (4, 1, -1),
        (4, 3, 0),
        (5, 1, 1),
        (5, 2, -1),
    ],
)
def test_scale_along_axes(rank, axis, count, net):
    x = X[rank]
    first = axis % rank
    shape = x.shape[first:] if count == -1 else x.shape[first : first + count]
    factors, bias = RANDOM.random((2, *shape), np.float32)
    settings = f"axis: {axis} num_axes: {count} bias_term: true"
    made = net(scale(settings), {"l": [factors, bias]}, x=x)["y"]
    expected = x * wide(factors, first, rank) + wide(bias, first, rank)
    np.testing.assert_allclose(made, expected, atol=1e-6)
    # Learnt numbers stay weights, and no class is ours.
    (holder,) = [layer for layer in net.model.layers if layer.weights]
    assert holder.name == "l"
    assert sum(w.size for w in holder.get_weights()) == 2 * factors.size
    assert {type(x).__module__.split(".")[0] for x in net.model.layers} == {
        "keras"
    }
    made = net(scale(f"axis: {axis} num_axes: {count}"), {"l": [factors]}, x=x)[
        "y"
    ]
    np.testing.assert_allclose(made, x * wide(factors, first, rank), atol=1e-6)


@pytest.mark.parametrize("rank", [2, 4])
def test_scale_each_sample(rank, net):
    x = X[rank]
    factors = RANDOM.random(x.shape[:1], np.float32)
    layers = scale("axis: 0 num_axes: 1")
    made = net(layers, {"l": [factors]}, x=x)["y"]
    np.testing.assert_allclose(made, x * wide(factors, 0, rank), atol=1e-6)
    with pytest.raises(UnsupportedLayerError, match="each sample"):
        net(layers, x=x)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_equal_sizes(axis, net):
    """Keras' `add` looks for an axis by its length."""
    x = RANDOM.standard_normal((4, 4, 4, 4), np.float32)
    factors, bias = RANDOM.random((2, 4), np.float32)
    made = net(
        scale(f"axis: {axis} bias_term: true"), {"l": [factors, bias]}, x=x
    )["y"]
    expected = x * wide(factors, axis, 4) + wide(bias, axis, 4)
    np.testing.assert_allclose(made, expected, atol=1e-6)
    layers = (
        'layer { name: "l" type: "Bias" bottom: "x" bottom: "v" top: "y" '
        f"bias_param {{ axis: {axis} }} }}"
    )
    made = net(layers, x=x, v=bias)["y"]
    np.testing.assert_array_equal(made, x + wide(bias, axis, 4))


def test_bias(net):
    x = X[4]
    values = RANDOM.random(4, np.float32)
    layers = 'layer { name: "l" type: "Bias" bottom: "x" top: "y" }'
    made = net(layers, {"l": [values]}, x=x)["y"]
    np.testing.assert_array_equal(made, x + wide(values, 1, 4))
    np.testing.assert_array_equal(net(layers, x=x)["y"], x)


@pytest.mark.parametrize("type", ["Scale", "Bias"])
@pytest.mark.parametrize(
    "rank, axis, shape",
    [
        (4, 0, (3, 4)),
        (4, 0, (3,)),
        (4, 0, (3, 4, 5)),
        (4, 0, (3, 4, 5, 6)),
        (4, 1, (4, 5)),
        (4, 2, (5, 6)),
        (4, -1, (6,)),
        (2, 0, (3,)),
        (2, 1, (4,)),
        (5, 1, (3, 4, 2, 3)),
        (5, 0, (2, 3, 4, 2)),
    ],
)
def test_two_bottoms(type, rank, axis, shape, net):
    x = X[rank]
    other = RANDOM.standard_normal(shape, np.float32)
    layers = (
        f'layer {{ name: "l" type: "{type}" bottom: "x" bottom: "v" top: "y" '
        f"{type.lower()}_param {{ axis: {axis} }} }}"
    )
    made = net(layers, x=x, v=other)["y"]
    values = wide(other, axis % rank, rank)
    expected = x * values if type == "Scale" else x + values
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_two_bottoms_and_a_bias(net):
    x, v = X[4], RANDOM.random((4, 5), np.float32)
    bias = RANDOM.random((4, 5), np.float32)
    layers = scale("axis: 1 bias_term: true", 'bottom: "x" bottom: "v"')
    made = net(layers, {"l": [bias]}, x=x, v=v)["y"]
    np.testing.assert_allclose(
        made, x * v[:, :, None] + bias[:, :, None], atol=1e-6
    )


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("scale_*.npz")), ids=lambda path: path.stem
)
def test_recorded(path, net):
    case = np.load(path)
    meta = json.loads(str(case["meta"]))
    layers = meta["prototxt"].partition("input_shape { dim: 3 dim: 4 }")[2]
    inputs = {meta["inputs"][0]: case["bottom0"]}
    (made,) = net(layers, {"L": [case["param0"]]}, **inputs).values()
    np.testing.assert_allclose(made, case["top0_f64"], rtol=1e-6)
    stored = case["param0_after" if "param0_after" in case else "param0"]
    np.testing.assert_array_equal(
        np.ravel(net.model.get_layer("L").get_weights()[0]), np.ravel(stored)
    )


@pytest.mark.parametrize("shape", [(3, 4, 1, 1), (3, 4)])
def test_axpy(shape, net):
    a = RANDOM.standard_normal(shape, np.float32)
    layers = (
        'layer { name: "l" type: "Axpy" bottom: "a" bottom: "x" bottom: "z" '
        'top: "y" }'
    )
    made = net(layers, a=a, x=X[4], z=X[4] + 1)["y"]
    expected = a.reshape(3, 4, 1, 1) * X[4] + X[4] + 1
    np.testing.assert_allclose(made, expected, atol=1e-6)
    with pytest.raises(CaffeFormatError, match="channels"):
        net(layers, a=a[:, :3], x=X[4], z=X[4])
    with pytest.raises(CaffeFormatError, match="differ"):
        net(layers, a=a, x=X[4], z=X[4][..., :3])


@pytest.mark.parametrize(
    "layers, error",
    [
        (scale("axis: 4"), "axis 4"),
        (scale("axis: 3 num_axes: 2"), "num_axes: 2"),
        (scale("num_axes: -2"), "num_axes: -2"),
        (scale("axis: 1", 'bottom: "x" bottom: "v"'), "axis 2.* 5 .* 3"),
        (scale("axis: -1", 'bottom: "x" bottom: "v"'), "num_axes"),
        (scale("", 'bottom: "x" bottom: "x" bottom: "x"'), "3 bottoms"),
    ],
)
def test_refused(layers, error, net):
    with pytest.raises(CaffeFormatError, match=error):
        net(layers, x=X[4], v=np.ones((2, 3)))
