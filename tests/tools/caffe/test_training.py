"""Networks that train: recorded heads, published ones, and what is refused."""

import keras
import numpy as np
import pytest

from keras_hypersphere import layers
from keras_hypersphere.tools.caffe import (
    UnsupportedLayerError,
    name_map,
    to_keras,
)
from tests.fidelity.ledger import TOLERANCE
from tests.fidelity.recording import load, names
from tests.tools.caffe.recorded_training import Converted

array = keras.ops.convert_to_numpy
pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")

RECORDED = {*names("head_*"), *names("e2e_*")}
# One recording of each head and network; the others take a minute.
QUICK = {
    name
    for name in RECORDED
    if name.endswith("_s0") and "c20d16" not in name and "_test_" not in name
}
FEATURES, CLASSES = 16, 20
HEADS = (
    "scaled_cosine_softmax",
    "normalized_euclidean_contrastive",
    "normalized_euclidean_triplet",
    "combine_softmax_contrastive",
)


def check_recording(name, folder):
    different = Converted(load(name), folder).differences()
    assert different
    assert max(different.values()) <= TOLERANCE, different


@pytest.mark.parametrize("name", sorted(QUICK))
def test_matches_the_recorded_network(name, tmp_path):
    check_recording(name, tmp_path)


@pytest.mark.everything
@pytest.mark.parametrize("name", sorted(RECORDED - QUICK))
def test_matches_every_recorded_network(name, tmp_path):
    check_recording(name, tmp_path)


def check_training(model, feed, tmp_path, epochs=8):
    """`fit` lowers the loss; the model is saved, loaded, and goes on."""
    history = model.fit(feed, batch_size=40, epochs=epochs, verbose=0)
    losses = history.history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.8 * losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    before = model(feed, training=False)
    after = loaded(feed, training=False)
    for a, b in zip(
        keras.tree.flatten(before), keras.tree.flatten(after), strict=True
    ):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (a, b)))
    # Compiled once is enough.
    loaded.run_eagerly = True
    further = loaded.fit(feed, batch_size=40, epochs=1, verbose=0)
    assert further.history["loss"][0] < 0.9 * losses[0]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(
            head, marks=() if "combine" in head else pytest.mark.everything
        )
        for head in HEADS
    ],
)
def test_trains_the_heads_of_normface(head, write, tmp_path):
    keras.utils.set_random_seed(0)
    z = load(f"head_{head}_c20d16n12_train_s0")
    backbone = """
    input: "data" input_shape { dim: 12 dim: 32 }
    input: "label" input_shape { dim: 12 }
    layer { name: "fc" type: "InnerProduct" bottom: "data"
      top: "last_ip_layer" inner_product_param { num_output: 16
      weight_filler { type: "xavier" } } }
    """
    published = z.meta["prototxt"].partition("\nlayer")
    text = backbone + "".join(published[1:])
    model = to_keras(write(text), phase="TRAIN")
    labels = np.arange(200) % CLASSES
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(CLASSES, 32))
    x = centers[labels] + 0.3 * rng.normal(size=(200, 32))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    check_training(model, {"data": x.astype("f4"), "label": labels}, tmp_path)


# Two stages of SphereFace's training file, in narrow.
SPHEREFACE = """
name: "SpherefaceNet-4"
layer { name: "data" type: "ImageData" top: "data" top: "label"
  transform_param { mean_value: 127.5 mean_value: 127.5 mean_value: 127.5
    scale: 0.0078125 mirror: true }
  image_data_param { source: "casia.txt" batch_size: 256 shuffle: true } }
layer { name: "conv1_1" type: "Convolution" bottom: "data" top: "conv1_1"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  convolution_param { num_output: 8 kernel_size: 3 stride: 2 pad: 1
    weight_filler { type: "xavier" } bias_filler { type: "constant" } } }
layer { name: "relu1_1" type: "PReLU" bottom: "conv1_1" top: "conv1_1" }
layer { name: "conv1_2" type: "Convolution" bottom: "conv1_1" top: "conv1_2"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 0 decay_mult: 0 }
  convolution_param { num_output: 8 kernel_size: 3 pad: 1
    weight_filler { type: "gaussian" std: 0.01 } } }
layer { name: "relu1_2" type: "PReLU" bottom: "conv1_2" top: "conv1_2" }
layer { name: "res1_2" type: "Eltwise" bottom: "conv1_1" bottom: "conv1_2"
  top: "res1_2" eltwise_param { operation: 1 } }
layer { name: "fc5" type: "InnerProduct" bottom: "res1_2" top: "fc5"
  param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
  inner_product_param { num_output: 16 weight_filler { type: "xavier" } } }
layer { name: "fc6" type: "MarginInnerProduct" bottom: "fc5" bottom: "label"
  top: "fc6" top: "lambda" param { lr_mult: 1 decay_mult: 1 }
  margin_inner_product_param { num_output: 5 type: QUADRUPLE
    weight_filler { type: "xavier" } base: 1000 gamma: 0.12 power: 1
    lambda_min: 5 iteration: 0 } }
layer { name: "softmax_loss" type: "SoftmaxWithLoss" bottom: "fc6"
  bottom: "label" top: "softmax_loss" }
"""
SHAPES = {"data": (8, 6, 3)}


def test_trains_sphereface(write, tmp_path):
    keras.utils.set_random_seed(0)
    path = write(SPHEREFACE)
    model = to_keras(path, phase="TRAIN", input_shapes=SHAPES)
    assert isinstance(model.get_layer("fc6"), layers.ASoftmax)
    assert model.output_names == ["lambda", "softmax_loss"]
    labels = np.arange(160) % 5
    rng = np.random.default_rng(0)
    x = 0.3 * rng.normal(size=(160, 8, 6, 3))
    x += rng.normal(size=(5, 8, 6, 3))[labels]
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9))
    check_training(model, {"data": x.astype("f4"), "label": labels}, tmp_path)
    assert int(model.get_layer("fc6").annealing_step) == 4 * 8


def test_inference_of_the_same_file(write):
    model = to_keras(write(SPHEREFACE), input_shapes=SHAPES)
    assert model.output_names == ["fc6"]
    assert [x.name for x in model.inputs] == ["data"]
    features = to_keras(write(SPHEREFACE), outputs=["fc5"], input_shapes=SHAPES)
    assert features.output_shape == (None, 16)
    assert name_map(model)["preprocessing"]["data"]["scale"] == 0.0078125


BRANCH = """
input: "a" input_shape { dim: 4 dim: 5 }
input: "b" input_shape { dim: 4 dim: 5 }
input: "sim" input_shape { dim: 4 }
"""
FC = """
layer {{ name: "fc_{0}" type: "InnerProduct" bottom: "{0}" top: "f_{0}"
  {1} inner_product_param {{ num_output: 3 weight_filler {{ type: "xavier" }}
  }} }}
"""
PAIR = """
layer { name: "loss" type: "ContrastiveLoss" bottom: "f_a" bottom: "f_b"
  bottom: "sim" top: "loss" }
"""


def test_branches_that_share_their_weights(write):
    shared = 'param { name: "w" } param { name: "b" lr_mult: 2 }'
    both = FC.format("a", shared) + FC.format("b", shared)
    model = to_keras(write(BRANCH + both + PAIR), phase="TRAIN")
    assert len(model.trainable_variables) == 2
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 32, 5)).astype("f4")
    model.compile(keras.optimizers.SGD(0.05))
    history = model.fit(
        {"a": a, "b": b, "sim": np.arange(32) % 2}, epochs=3, verbose=0
    )
    assert history.history["loss"][-1] < history.history["loss"][0]
    weight = to_keras(write(BRANCH + both + PAIR), outputs=["f_a", "f_b"])
    assert len(weight.weights) == 2


def test_refuses_what_would_train_otherwise(write):
    partly = 'param { name: "w" }'
    both = FC.format("a", partly) + FC.format("b", partly)
    with pytest.raises(UnsupportedLayerError, match="share some") as caught:
        to_keras(write(BRANCH + both + PAIR), phase="TRAIN")
    assert caught.value.layer == "fc_a"
    assert to_keras(write(BRANCH + both + PAIR), outputs=["f_a"])


def test_propagate_down(write):
    """No gradient flows to a bottom that is told so."""
    text = BRANCH + FC.format("a", "") + FC.format("b", "") + PAIR
    text = text.replace(
        'top: "loss"',
        'top: "loss" propagate_down: true propagate_down: false '
        "propagate_down: false",
    )
    model = to_keras(write(text), phase="TRAIN")
    kept, moved = model.get_layer("fc_b"), model.get_layer("fc_a")
    before = [array(layer.kernel).copy() for layer in (kept, moved)]
    model.compile(keras.optimizers.SGD(0.1))
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 8, 5)).astype("f4")
    model.train_on_batch({"a": a, "b": b, "sim": np.ones(8)})
    np.testing.assert_array_equal(array(kept.kernel), before[0])
    assert not np.array_equal(array(moved.kernel), before[1])


@pytest.mark.parametrize(
    "text",
    [
        # In Keras a factor of 1 would be learned next to the offset.
        'layer { name: "l" type: "Bias" bottom: "a" top: "l" '
        "bias_param { filler { value: 1 } } loss_weight: 1 }",
        # Of equal weights and other settings.
        'layer { name: "k" type: "PReLU" bottom: "a" top: "k" '
        'param { name: "w" } }'
        'layer { name: "r" type: "Reshape" bottom: "b" top: "r" '
        "reshape_param { shape { dim: 0 dim: 5 dim: 1 dim: 1 } } }"
        'layer { name: "l" type: "PReLU" bottom: "r" top: "l" '
        'param { name: "w" } loss_weight: 1 }',
    ],
)
def test_refuses_to_learn_other_numbers(text, write):
    with pytest.raises(UnsupportedLayerError, match="training") as caught:
        to_keras(write(BRANCH + text), phase="TRAIN")
    assert caught.value.layer == "l"
    to_keras(write(BRANCH + text))
