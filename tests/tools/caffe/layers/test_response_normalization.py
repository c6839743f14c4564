"""LRN against loops over cells."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import CaffeFormatError

X = np.random.default_rng(0).standard_normal((2, 4, 5, 6), np.float32)


def layer(settings=""):
    return (
        'layer { name: "l" type: "LRN" bottom: "x" top: "y" '
        f"lrn_param {{ {settings} }} }}"
    )


def lrn(x, size, alpha, beta, k=1.0, within=False):
    """Loops over cells; float64."""
    x, reach = x.astype(np.float64), size // 2
    sums = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        n, *place = at
        around = [slice(max(i - reach, 0), i + reach + 1) for i in place]
        window = (
            x[(n, place[0], *around[1:])]
            if within
            else x[(n, around[0], *place[1:])]
        )
        sums[at] = (window**2).sum()
    if within:
        return x * (1 + alpha / size**2 * sums) ** -beta
    return x * (k + alpha / size * sums) ** -beta


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_lrn(size, within, net):
    region = "norm_region: WITHIN_CHANNEL" if within else ""
    settings = f"local_size: {size} alpha: 1.5 beta: 0.6 k: 2 {region}"
    made = net(layer(settings), x=X)["y"]
    expected = lrn(X, size, 1.5, 0.6, 2.0, within)
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert {type(x).__module__.split(".")[0] for x in net.model.layers} == {
        "keras"
    }


def test_lrn_of_huge_numbers_and_by_default(net):
    np.testing.assert_allclose(
        net(layer(), x=X)["y"], lrn(X, 5, 1, 0.75), atol=1e-6
    )
    # Their squares are infinite, and Caffe gives zero.
    assert (net(layer(), x=np.full((1, 1, 1, 1), 1e30))["y"] == 0).all()


@pytest.mark.parametrize("size", [0, 2, 4])
def test_lrn_of_even_size(size, net):
    with pytest.raises(CaffeFormatError, match="odd"):
        net(layer(f"local_size: {size}"), x=X)
    with pytest.raises(CaffeFormatError, match="axes"):
        net(layer(), x=X[..., 0])
