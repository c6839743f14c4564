"""Reshape, Flatten and Permute, against NumPy in Caffe's order."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

X = np.arange(2 * 6 * 3 * 4, dtype=np.float32).reshape(2, 6, 3, 4)
RESHAPE = (
    'layer {{ name: "r" type: "Reshape" bottom: "x" top: "y" '
    "reshape_param {{ {} }} }}"
)


def dims(*sizes):
    return "shape { " + " ".join(f"dim: {size}" for size in sizes) + " }"


@pytest.mark.parametrize(
    "settings, shape",
    [
        (dims(0, 2, 3, -1), (2, 2, 3, 12)),
        (dims(0, -1, 9), (2, 8, 9)),
        (dims(0, 0, -1), (2, 6, 12)),
        (dims(0, 0, 0, 0), (2, 6, 3, 4)),
        (dims(0, 72, 1, 1), (2, 72, 1, 1)),
        (dims(0, 1, 1, 72), (2, 1, 1, 72)),
        (dims(0, 1, 8, 9), (2, 1, 8, 9)),
        # The batch written as a number, and inferred.
        (dims(2, 12, 6), (2, 12, 6)),
        (dims(-1, 72), (2, 72)),
        (dims(-1, 6, 3, 4), (2, 6, 3, 4)),
        # Parts of samples, and several, as samples.
        (dims(-1, 12), (12, 12)),
        (dims(-1, 2, 2, 3), (12, 2, 2, 3)),
        (dims(-1), (144,)),
        (dims(-1, 144), (1, 144)),
        (dims(3, 2) + " axis: 1 num_axes: 1", (2, 3, 2, 3, 4)),
        (dims(12) + " axis: 2", (2, 6, 12)),
        (dims(12) + " axis: -3", (2, 6, 12)),
        (dims(1) + " axis: 4", (2, 6, 3, 4, 1)),
        (dims(1) + " axis: -1 num_axes: 0", (2, 6, 3, 4, 1)),
        ("num_axes: 0", (2, 6, 3, 4)),
    ],
)
def test_reshape(settings, shape, net):
    made = net(RESHAPE.format(settings), x=X)["y"]
    np.testing.assert_array_equal(made, X.reshape(shape))


def test_the_batch_stays_free(net):
    net(RESHAPE.format(dims(2, 12, 6)), x=X)
    model = net.model
    assert model.output_shape == (None, 12, 6)
    assert model.predict(np.zeros((5, 3, 4, 6)), verbose=0).shape == (5, 12, 6)
    net(RESHAPE.format(dims(-1, 12)), x=X)
    assert net.model(np.zeros((5, 3, 4, 6))).shape == (30, 12)


@pytest.mark.parametrize("batch", [1, 2])
def test_the_prototxts_batch_is_the_batch(batch, referenced, net):
    """Each exporter's deploy file has `dim: 1` and a -1."""
    text = (
        'layer { name: "p" type: "Permute" bottom: "x" top: "p" '
        "permute_param { order: 0 order: 2 order: 3 order: 1 } }"
    ) + RESHAPE.format(dims(batch, -1, 2)).replace('"x"', '"p"')
    expected = X.transpose(0, 2, 3, 1).reshape(2, 36, 2)
    made = referenced(text, x=X[:batch])["y"]
    np.testing.assert_array_equal(made, expected[:batch])
    assert net.model.output_shape == (None, 36, 2)
    # Each sample is what it is alone.
    three = np.concatenate([X, X[:1] + 1]).transpose(0, 2, 3, 1)
    made = net.model.predict(three, verbose=0)
    np.testing.assert_array_equal(made, three.reshape(3, 36, 2))


def test_what_is_no_batch_any_more_is_not_taken_for_one(net):
    """Real Caffe has one row of all numbers here."""
    fold = RESHAPE.format(dims(-1, 12)).replace('"y"', '"parts"')
    again = 'layer { name: "s" type: "Sigmoid" bottom: "parts" top: "s" }'
    text = fold + again + RESHAPE.format(dims(1, -1)).replace('"x"', '"s"')
    with pytest.raises(UnsupportedLayerError, match="no batch"):
        net(text.replace('name: "r"', 'name: "q"', 1), x=X[:1])


def test_reshape_of_other_ranks(net):
    rows = X.reshape(2, 72)
    for settings, shape in (
        (dims(0, 6, 3, 4), (2, 6, 3, 4)),
        (dims(0, 18, -1), (2, 18, 4)),
        (dims(1) + " axis: 1 num_axes: 0", (2, 1, 72)),
    ):
        made = net(RESHAPE.format(settings), x=rows)["y"]
        np.testing.assert_array_equal(made, rows.reshape(shape))


@pytest.mark.parametrize(
    "settings, words",
    [
        (dims(0, 5), "makes 5 numbers of the 72"),
        (dims(0, 5, -1), "5 does not divide"),
        (dims(3, 5), "as many"),
        (dims(-1, -1), "only once"),
        (dims(0, -2), "only once"),
        (dims(0, 0, 0, 0, 0), "no axis"),
        (dims(72) + " axis: 5", "no range"),
        (dims(72) + " axis: 1 num_axes: 4", "no range"),
        (dims(72) + " num_axes: -2", "no range"),
    ],
)
def test_reshapes_that_caffe_refuses(settings, words, net):
    with pytest.raises(CaffeFormatError, match=words) as caught:
        net(RESHAPE.format(settings), x=X)
    assert caught.value.layer == "r"


@pytest.mark.parametrize(
    "settings, words",
    [
        (dims(1, -1), "write `dim: 0`"),
        (dims(4, -1, 6), "write `dim: 0`"),
        (dims(4, 36), "write `dim: -1`"),
        (dims(-1, 48), "rows of 48"),
        (dims(1) + " axis: 0 num_axes: 0", "moving the batch"),
    ],
)
def test_reshapes_that_fix_the_batch(settings, words, net):
    with pytest.raises(UnsupportedLayerError, match=words):
        net(RESHAPE.format(settings), x=X)


@pytest.mark.parametrize("type", ["Reshape", "Flatten"])
def test_not_in_place(type, net):
    text = f'layer {{ name: "r" type: "{type}" bottom: "x" top: "x" }}'
    with pytest.raises(CaffeFormatError, match="in place"):
        net(text, x=X)


@pytest.mark.parametrize(
    "settings, shape",
    [
        ("", (2, 72)),
        ("axis: 0", (144,)),
        ("axis: 0 end_axis: 1", (12, 3, 4)),
        ("axis: 0 end_axis: 0", (2, 6, 3, 4)),
        ("axis: 1 end_axis: 2", (2, 18, 4)),
        ("axis: 2", (2, 6, 12)),
        ("axis: -2 end_axis: -1", (2, 6, 12)),
        ("axis: -1", (2, 6, 3, 4)),
    ],
)
def test_flatten(settings, shape, net):
    text = (
        'layer { name: "f" type: "Flatten" bottom: "x" top: "y" '
        f"flatten_param {{ {settings} }} }}"
    )
    made = net(text, x=X)["y"]
    np.testing.assert_array_equal(made, X.reshape(shape))


@pytest.mark.parametrize("settings", ["axis: 4", "axis: 2 end_axis: 1"])
def test_flatten_of_no_range(settings, net):
    text = (
        'layer { name: "f" type: "Flatten" bottom: "x" top: "y" '
        f"flatten_param {{ {settings} }} }}"
    )
    with pytest.raises(CaffeFormatError, match="no range"):
        net(text, x=X)


PERMUTE = (
    'layer {{ name: "p" type: "Permute" bottom: "x" top: "y" '
    "permute_param {{ {} }} }}"
)


@pytest.mark.parametrize(
    "order, axes",
    [
        ("order: 0 order: 2 order: 3 order: 1", (0, 2, 3, 1)),
        ("order: 0 order: 3 order: 1 order: 2", (0, 3, 1, 2)),
        ("order: 0 order: 3", (0, 3, 1, 2)),
        ("order: 0 order: 2", (0, 2, 1, 3)),
        ("order: 0", (0, 1, 2, 3)),
        ("", (0, 1, 2, 3)),
    ],
)
def test_permute(order, axes, net):
    made = net(PERMUTE.format(order), x=X)["y"]
    np.testing.assert_array_equal(made, X.transpose(axes))


def test_permute_of_three_axes(net):
    x = X.reshape(2, 6, 12)
    made = net(PERMUTE.format("order: 0 order: 2"), x=x)["y"]
    np.testing.assert_array_equal(made, x.transpose(0, 2, 1))


def test_permute_refusals(net):
    with pytest.raises(CaffeFormatError, match="different axes"):
        net(PERMUTE.format("order: 0 order: 0"), x=X)
    with pytest.raises(CaffeFormatError, match="different axes"):
        net(PERMUTE.format("order: 0 order: 4"), x=X)
    with pytest.raises(UnsupportedLayerError, match="batch"):
        net(PERMUTE.format("order: 1 order: 0"), x=X)
