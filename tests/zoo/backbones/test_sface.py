"""Keras compared with OpenCV's dnn, both from the shipped file."""

import cv2
import keras
import numpy as np
import pytest
from keras import layers

from keras_hypersphere.zoo.backbones.sface import PAIRS, SFace
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading.weight_files import find_weights
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input

CARD = get_card("sface")


@pytest.fixture(scope="module")
def model():
    return SFace("sface")


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_numbers_of_the_network(model):
    assert model.count_params() == CARD.parameters == 9_667_072
    across = [x for x in model.layers if type(x) is layers.Conv2D]
    each = [x for x in model.layers if type(x) is layers.DepthwiseConv2D]
    assert len(across) == 14 and len(each) == 13
    assert not any(x.use_bias for x in across + each)
    halving = [i for i, x in enumerate(each, 1) if x.strides == (2, 2)]
    assert halving == [2, 4, 6, 12]
    norms = [x for x in model.layers if type(x) is layers.BatchNormalization]
    assert [x.epsilon for x in norms] == [1e-3] * 27 + [2e-5] * 2
    assert sum(type(x) is layers.PReLU for x in model.layers) == 27
    assert model.get_layer("dense").kernel.shape == (50176, 128)
    assert model.get_layer(CARD.feature_layer) is model.layers[-1]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("conv1", (112, 112, 32)),
        ("conv2", (112, 112, 64)),
        ("conv3_dw", (56, 56, 64)),
        ("conv5_dw", (28, 28, 128)),
        ("conv7_dw", (14, 14, 256)),
        ("conv12", (14, 14, 512)),
        ("conv13_dw", (7, 7, 512)),
        ("conv14", (7, 7, 1024)),
    ],
)
def test_sizes_inside(model, name, shape):
    assert model.get_layer(name).output.shape == (None, *shape)
    assert len(PAIRS) == 13


@pytest.mark.parametrize("count", [1, 4])
def test_equals_opencv(model, count):
    """In a batch too: OpenCV 4.14 got that of the published file wrong."""
    generator = np.random.default_rng(3)
    crops = generator.integers(0, 256, (count, 112, 112, 3), np.uint8)
    network = cv2.dnn.readNetFromONNX(str(find_weights(CARD)))
    network.setInput(crops.transpose(0, 3, 1, 2).astype(np.float32))
    expected = network.forward()
    found = model.predict(preprocess_input(crops, CARD), verbose=0)
    assert expected.shape == (count, 128)
    # Crops of noise are alike, but not the same.
    assert np.abs(unit(expected) - unit(expected[:1]))[1:].max(initial=1) > 0.01
    np.testing.assert_allclose(unit(found), unit(expected), atol=1e-5)


def test_golden_output(model):
    x = preprocess_input(golden_crop(CARD)[None], CARD)
    y = model.predict(x, verbose=0)[0]
    assert np.linalg.norm(y - CARD.golden_output) < 1e-4
    assert np.linalg.norm(CARD.golden_output) > 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[..., ::-1],
        lambda x: x[:, ::-1],
        lambda x: x.swapaxes(1, 2),
        lambda x: x * 2,
        lambda x: x * 128 + 127.5,
    ],
)
def test_golden_output_sees_wrong_input(model, change):
    x = change(preprocess_input(golden_crop(CARD)[None], CARD))
    y = model.predict(x, verbose=0)[0]
    away = unit(y) - unit(np.array(CARD.golden_output))
    assert np.linalg.norm(away) > 0.05


def test_saves_and_loads_as_the_others(model, tmp_path):
    path = tmp_path / "mine.weights.h5"
    model.save_weights(path)
    read = SFace(weights=path)
    for a, b in zip(model.get_weights(), read.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_network_of_other_sides_has_other_weights():
    with pytest.raises(ValueError, match="pre_fc1 has weights of the shapes"):
        SFace("sface", input_shape=(96, 96, 3))
    with pytest.raises(ValueError, match="84 layers with weights, 85 were"):
        SFace("sface", include_top=True, classes=5)


def test_with_a_classifier():
    small = SFace(
        include_top=True, classes=7, input_shape=(32, 40, 3), width=1 / 16
    )
    assert small.output_shape == (None, 7)
    y = small.predict(np.zeros((2, 32, 40, 3)), verbose=0)
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-5)
    logits = SFace(include_top=True, classes=7, classifier_activation=None)
    assert isinstance(logits.layers[-1], keras.layers.Dense)
