"""Reduction and ArgMax, against loops over Caffe's order."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((2, 5, 3, 4), np.float32)
# Few different values, so that many are equal.
TIES = RANDOM.integers(0, 3, (2, 5, 3, 4)).astype(np.float32)
OPERATIONS = {
    "SUM": lambda rows: rows.sum(1),
    "ASUM": lambda rows: np.abs(rows).sum(1),
    "SUMSQ": lambda rows: (rows**2).sum(1),
    "MEAN": lambda rows: rows.mean(1),
}


def layer(type, settings):
    name = {"Reduction": "reduction_param", "ArgMax": "argmax_param"}[type]
    return (
        f'layer {{ name: "l" type: "{type}" bottom: "x" top: "y" '
        f"{name} {{ {settings} }} }}"
    )


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -4])
def test_reduction(operation, axis, net):
    text = layer(
        "Reduction", f"operation: {operation} axis: {axis} coeff: -1.5"
    )
    kept = X.shape[: axis % 4]
    rows = X.reshape(int(np.prod(kept)), -1).astype(np.float64)
    expected = -1.5 * OPERATIONS[operation](rows).reshape(kept)
    made = net(text, x=X)["y"]
    assert made.shape == kept
    np.testing.assert_allclose(made, expected, rtol=2e-6, atol=2e-6)


def test_reduction_of_rows(net):
    made = net(layer("Reduction", "axis: 1"), x=X.reshape(2, -1))["y"]
    np.testing.assert_allclose(made, X.sum((1, 2, 3)), rtol=1e-5)
    with pytest.raises(CaffeFormatError, match="axis 2"):
        net(layer("Reduction", "axis: 2"), x=X.reshape(2, -1))


def largest(row, count):
    """Places and values; of equal ones the last comes first."""
    pairs = sorted(((v, i) for i, v in enumerate(row)), reverse=True)[:count]
    return [i for _, i in pairs], [v for v, _ in pairs]


@pytest.mark.parametrize("x", [X, TIES], ids=["random", "ties"])
@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("count", [1, 3])
def test_argmax_along_an_axis(x, values, axis, count, net):
    made = net(
        layer(
            "ArgMax",
            f"axis: {axis} top_k: {count} out_max_val: {str(values).lower()}",
        ),
        x=x,
    )["y"]
    expected = np.apply_along_axis(
        lambda row: largest(row, count)[values], axis, x
    )
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("x", [X, TIES], ids=["random", "ties"])
@pytest.mark.parametrize("count", [1, 4])
def test_argmax_of_samples(x, count, net):
    rows = x.reshape(2, -1)
    found = np.array([largest(row, count) for row in rows])
    made = net(layer("ArgMax", f"top_k: {count}"), x=x)["y"]
    np.testing.assert_array_equal(made, found[:, :1, :, None])
    text = layer("ArgMax", f"top_k: {count} out_max_val: true")
    np.testing.assert_array_equal(net(text, x=x)["y"], found[..., None])
    np.testing.assert_array_equal(net(text, x=rows)["y"], found)


@pytest.mark.parametrize(
    "settings", ["top_k: 0", "top_k: 61", "axis: 1 top_k: 6"]
)
def test_argmax_of_too_many(settings, net):
    with pytest.raises(CaffeFormatError, match="top_k"):
        net(layer("ArgMax", settings), x=X)


def test_argmax_of_the_batch(net):
    with pytest.raises(UnsupportedLayerError, match="batch"):
        net(layer("ArgMax", "axis: 0"), x=X)
