"""Margin heads: recordings of training, plain logits at inference."""

import keras
import numpy as np
import pytest

from keras_hypersphere import layers
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    to_keras,
)
from tests.fidelity.ledger import TOLERANCE
from tests.fidelity.recording import load, names
from tests.tools.caffe.recorded_training import Converted

pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")

array = keras.ops.convert_to_numpy
RNG = np.random.default_rng(1)
MARGIN = """
layer {{ name: "m" type: "{type}" bottom: "x" {label} top: "z" {top}
  {param} {{ num_output: 3 type: QUADRUPLE base: 1000 gamma: 0.12
  lambda_min: 5 weight_filler {{ type: "xavier" }} }} }}
"""
TYPES = {
    "MarginInnerProduct": "margin_inner_product_param",
    "LargeMarginInnerProduct": "largemargin_inner_product_param",
}
INPUTS = """
input: "x" input_shape { dim: 4 dim: 5 }
input: "label" input_shape { dim: 4 }
"""


def text(type, label='bottom: "label"', top='top: "lambda"'):
    return MARGIN.format(type=type, param=TYPES[type], label=label, top=top)


@pytest.mark.parametrize(
    "name",
    [
        *names("margininnerproduct_*_paper_s0"),
        *names("margininnerproduct_QUADRUPLE_[4ep]*_s0"),
        *names("sf_margininnerproduct_QUADRUPLE*_s0"),
        *names("largemargininnerproduct_*_pow2_s0"),
        *names("labelspecificadd_*_train_*_s0"),
        *names("labelspecificadd_bias_neg_test_tt0_s0"),
        *names("labelspecificadd_inplace*_s0"),
    ],
)
def test_matches_the_recording(name, tmp_path):
    different = Converted(load(name), tmp_path).differences()
    assert different
    assert max(different.values()) <= TOLERANCE, different


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("label", ["", 'bottom: "label"'])
def test_plain_logits_at_inference(write, type, label):
    """With labels or without; they are no input then."""
    inputs = INPUTS if label else INPUTS.splitlines()[1]
    path = write(inputs + text(type, label))
    made = {}
    for phase in ("TEST", "TRAIN") if label else ("TEST",):
        keras.utils.set_random_seed(0)
        made[phase] = to_keras(path, phase=phase, outputs=["z"])
    model = made["TEST"]
    assert [x.name for x in model.inputs] == ["x"]
    dense = model.get_layer("m")
    assert isinstance(dense, keras.layers.Dense)
    keras.utils.set_random_seed(0)
    edge = np.sqrt(3 / 5)
    w = np.random.uniform(-edge, edge, (3, 5)).astype("f4").T
    if type == "MarginInnerProduct":
        w = w / np.linalg.norm(w, axis=0)
    np.testing.assert_allclose(array(dense.kernel), w, rtol=1e-6)
    x = RNG.normal(size=(4, 5)).astype("f4")
    np.testing.assert_allclose(array(model(x)), x @ w, rtol=1e-5, atol=1e-6)
    if label:
        head = made["TRAIN"].get_layer("m")
        np.testing.assert_allclose(array(head.kernel), w, rtol=1e-6)
        y = np.zeros(4, "int32")
        trained = made["TRAIN"]({"x": x, "label": y}, training=False)
        np.testing.assert_allclose(array(trained), x @ w, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("type", "head"),
    [
        ("MarginInnerProduct", layers.ASoftmax),
        ("LargeMarginInnerProduct", layers.LSoftmax),
    ],
)
@pytest.mark.parametrize("top", ["", 'top: "lambda"'])
def test_is_our_head_in_training(write, type, head, top):
    model = to_keras(write(INPUTS + text(type, top=top)), phase="TRAIN")
    made = model.get_layer("m")
    assert isinstance(made, head)
    assert made.margin == 4 and made.gradient == "caffe"
    assert made.annealing.base == 1000 and made.annealing.minimum == 5
    x, y = RNG.normal(size=(4, 5)).astype("f4"), np.arange(4) % 3
    tops = model({"x": x, "label": y}, training=True)
    assert int(made.annealing_step) == 1
    if top:
        assert model.output_names == ["lambda", "z"]
        np.testing.assert_allclose(array(tops[0]), [1000 / 1.12], rtol=1e-6)


def test_margin_of_cosines(write):
    """Only cosines above the margin are lowered; inference lowers none."""
    path = write(
        INPUTS + 'layer { name: "a" type: "LabelSpecificAdd" bottom: "x" '
        'bottom: "label" top: "x" label_specific_add_param { bias: -0.35 } }'
    )
    x = np.float32([[0.6, 0, 0, 0, 0.9], [0, 0.35, 0, 0, 0.9]])
    y = np.array([0, 1])
    model = to_keras(path, phase="TRAIN")
    trained = array(model({"x": x, "label": y}, training=True))
    lowered = x.copy()
    lowered[0, 0] -= 0.35
    np.testing.assert_array_equal(trained, lowered)
    plain = to_keras(path)
    assert [tensor.name for tensor in plain.inputs] == ["x"]
    np.testing.assert_array_equal(array(plain(x)), x)


@pytest.mark.parametrize("type", TYPES)
def test_refuses(write, type):
    with pytest.raises(CaffeFormatError, match="no labels") as caught:
        to_keras(write(INPUTS + text(type, label="")), phase="TRAIN")
    assert caught.value.layer == "m"
    with pytest.raises(CaffeFormatError, match="no `num_output`"):
        bare = text(type).replace("num_output: 3", "")
        to_keras(write(INPUTS + bare))
    with pytest.raises(UnsupportedLayerError, match="`axis: 0`"):
        other = text(type).replace("num_output: 3", "num_output: 3 axis: 0")
        to_keras(write(INPUTS + other))
    with pytest.raises(CaffeFormatError, match="base"):
        broken = text(type).replace("base: 1000", "base: -1")
        to_keras(write(INPUTS + broken), phase="TRAIN")
