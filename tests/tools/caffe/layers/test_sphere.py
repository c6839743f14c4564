"""NormFace's layers: recordings of each, and what is refused."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    to_keras,
)
from tests.fidelity.ledger import TOLERANCE
from tests.fidelity.recording import load, names
from tests.tools.caffe.recorded_training import Converted

pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")

RNG = np.random.default_rng(0)
# docs/converting.md: a row that is nearly zero is normalized once too often.
# And the CPU code learns nothing of `normalize` with `transpose`.
LEFT_OUT = ("innerproduct_norm1_edge", "innerproduct_norm1_bias")


def chosen(*patterns):
    return [
        name
        for pattern in patterns
        for name in names(pattern)
        if not (name.startswith(LEFT_OUT) and "transpose0" not in name)
    ]


@pytest.mark.filterwarnings("ignore:.*fix_gradient")
@pytest.mark.parametrize(
    "name",
    chosen(
        "normalize_*x3x2_s0",
        "normalize_*tops2*5x7_s0",
        "innerdistance_*_s0",
        "innerproduct_2*_s0",
        "innerproduct_norm1_*_s0",
    ),
)
def test_trains_as_recorded(name, tmp_path):
    different = Converted(load(name), tmp_path).differences()
    assert different
    assert max(different.values()) <= TOLERANCE, different


def test_normalize_has_four_axes(net):
    x = RNG.normal(size=(2, 3, 5)).astype("f4")
    made = net(
        'layer { name: "n" type: "Normalize" bottom: "x" top: "y" top: "r" }',
        x=x,
    )
    length = np.sqrt((x**2).sum(1, keepdims=True) + 1e-6)
    assert made["y"].shape == (2, 3, 5, 1) and made["r"].shape == (2, 1, 5, 1)
    np.testing.assert_allclose(made["y"][..., 0], x / length, rtol=1e-5)
    np.testing.assert_allclose(made["r"][..., 0], length, rtol=1e-5)


def test_products_with_normalized_rows(net):
    x = RNG.normal(size=(2, 4)).astype("f4")
    w = RNG.normal(size=(3, 4)).astype("f4")
    b = RNG.normal(size=3).astype("f4")
    made = net(
        'layer { name: "c" type: "InnerProduct" bottom: "x" top: "c" '
        "inner_product_param { num_output: 3 normalize: true } }",
        {"c": [w, b]},
        x=x,
    )
    unit = w / np.sqrt((w**2).sum(1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(made["c"], x @ unit.T + b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", names("innerproduct_norm1_*transpose1_s0"))
def test_runs_of_a_transposed_blob_as_recorded(name, tmp_path):
    z = load(name)
    z.meta["phase"] = "TEST"
    found = Converted(z, tmp_path).step("")
    np.testing.assert_allclose(found["top0"], z["top0"], rtol=1e-5, atol=1e-6)


TRANSPOSED = """
input: "x" input_shape { dim: 2 dim: 4 }
layer { name: "c" type: "InnerProduct" bottom: "x" top: "c"
  inner_product_param { num_output: 3 normalize: true transpose: true } }
"""


def test_runs_of_a_transposed_blob_do_not_train(write):
    with pytest.raises(UnsupportedLayerError, match="`transpose`"):
        to_keras(write(TRANSPOSED), phase="TRAIN")


@pytest.mark.parametrize("kind", ["L2", "L1"])
@pytest.mark.parametrize("classes", [5, 600])
def test_distances_to_few_and_to_many_agents(net, kind, classes):
    x = RNG.normal(size=(3, 40)).astype("f4")
    w = RNG.normal(size=(classes, 40)).astype("f4")
    made = net(
        'layer { name: "d" type: "InnerDistance" bottom: "x" top: "d" '
        "inner_distance_param { normalize: true "
        f'num_output: {classes} distance_type: "{kind}" }} }}',
        {"d": [w]},
        x=x,
    )["d"]
    unit = w / np.sqrt((w**2).sum(1, keepdims=True) + 1e-6)
    away = x[:, None].astype("f8") - unit[None]
    expected = (away**2 if kind == "L2" else abs(away)).sum(2)
    np.testing.assert_allclose(made, expected, atol=2e-6 * expected.max())


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 4), (3, 2, 4, 5)])
def test_parameters_of_any_rank(net, shape):
    values = RNG.normal(size=shape).astype("f4")
    dims = " ".join(f"dim: {size}" for size in shape)
    made = net(
        'layer { name: "p" type: "Parameter" top: "p" parameter_param '
        f"{{ shape {{ {dims} }} }} }}"
        'layer { name: "s" type: "Silence" bottom: "x" }',
        {"p": [values]},
        x=np.float32([[np.nan]]),
    )
    np.testing.assert_array_equal(made["p"], values)


def test_channels_times_their_norm_are_the_channels(net):
    x = RNG.normal(size=(2, 3, 4, 5)).astype("f4")
    text = """
    layer { name: "n" type: "Normalize" bottom: "x" top: "y" top: "r" }
    layer { name: "s" type: "ChannelScale" bottom: "y" bottom: "r" top: "z" }
    """
    np.testing.assert_allclose(net(text, x=x)["z"], x, rtol=1e-5)
    off = text.replace(
        'top: "z"', 'top: "z" channel_scale_param { do_forward: false }'
    )
    made = net(off, x=x, outputs=["y", "z"])
    np.testing.assert_array_equal(made["z"], made["y"])
    flat = net(text, x=x[:, :, 0, 0])["z"]
    np.testing.assert_allclose(flat, x[:, :, :1, :1], rtol=1e-5)


INPUT = 'input: "x" input_shape { dim: 2 dim: 4 }\n'
REFUSED = {
    "Normalize_type": (
        'layer { name: "l" type: "Normalize" bottom: "x" top: "y" '
        'normalize_param { normalize_type: "L3" } }',
        CaffeFormatError,
        'must be "L2" or "L1"',
    ),
    "distance_type": (
        'layer { name: "l" type: "InnerDistance" bottom: "x" top: "y" '
        'inner_distance_param { num_output: 2 distance_type: "cosine" } }',
        CaffeFormatError,
        'must be "L2" or "L1"',
    ),
    "no_agents": (
        'layer { name: "l" type: "InnerDistance" bottom: "x" top: "y" }',
        CaffeFormatError,
        "no `num_output`",
    ),
    "center_only": (
        'layer { name: "l" type: "InnerDistance" bottom: "x" top: "y" '
        "inner_distance_param { num_output: 2 update_center_only: true } }",
        CaffeFormatError,
        "agents and labels",
    ),
    "bias_of_given_weights": (
        'layer { name: "l" type: "InnerProduct" bottom: "x" bottom: "x" '
        'top: "y" }',
        CaffeFormatError,
        "`bias_term: false`",
    ),
    "lengths": (
        'layer { name: "p" type: "Parameter" top: "p" parameter_param '
        "{ shape { dim: 3 dim: 5 } } }"
        'layer { name: "l" type: "InnerProduct" bottom: "x" bottom: "p" '
        'top: "y" inner_product_param { bias_term: false } }',
        CaffeFormatError,
        "as long as those of the first",
    ),
    "no_shape": (
        'layer { name: "l" type: "Parameter" top: "y" }',
        CaffeFormatError,
        "`shape`",
    ),
    "global_scale": (
        'layer { name: "l" type: "ChannelScale" bottom: "x" bottom: "x" '
        'top: "y" channel_scale_param { global_scale: true } }',
        UnsupportedLayerError,
        "`global_scale: true`",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case, write):
    text, error, words = REFUSED[case]
    with pytest.raises(error, match=words) as caught:
        to_keras(write(INPUT + text))
    assert caught.value.layer == "l"


def test_needs_nothing_of_this_package(recording):
    """`normalize_flip_head_a` has most layers of this file."""
    case = recording("normalize_flip_head_a")
    model = to_keras(case.prototxt, case.caffemodel)
    packages = {type(layer).__module__.split(".")[0] for layer in model.layers}
    assert packages == {"keras"}
