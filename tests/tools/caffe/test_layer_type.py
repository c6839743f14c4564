import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    register_layer,
    supported_layers,
    to_keras,
)
from keras_hypersphere.tools.caffe.layer_type import LAYER_TYPES, LayerType

NET = """
input: "x" input_shape { dim: 1 dim: 3 }
layer { name: "s" type: "Mish" bottom: "x" top: "y" }
"""


def test_a_user_adds_a_layer_type(write, monkeypatch):
    monkeypatch.setattr(
        "keras_hypersphere.tools.caffe.layer_type.LAYER_TYPES",
        dict(LAYER_TYPES),
    )
    path = write(NET)
    with pytest.raises(UnsupportedLayerError, match=r"'Mish'.*PReLU"):
        to_keras(path)

    @register_layer("Mish")
    def mish(layer, inputs):
        return layer.add(keras.layers.Activation, *inputs, activation="mish")

    assert "Mish" in supported_layers()
    values = np.array([[-1.0, 0.0, 2.0]], np.float32)
    expected = values * np.tanh(np.log1p(np.exp(values)))
    np.testing.assert_allclose(
        to_keras(path).predict(values, verbose=0), expected, rtol=1e-5
    )


def test_a_converter_that_makes_too_little(write, monkeypatch):
    monkeypatch.setitem(
        LAYER_TYPES, "Mish", LayerType("Mish", lambda layer, inputs: [])
    )
    with pytest.raises(ValueError, match="has 1 tops; it makes 0"):
        to_keras(write(NET))


@pytest.mark.parametrize("made", [None, 3, [None], np.zeros((1, 3))])
def test_a_converter_that_makes_no_tensor(write, monkeypatch, made):
    monkeypatch.setitem(
        LAYER_TYPES, "Mish", LayerType("Mish", lambda layer, inputs: made)
    )
    with pytest.raises(CaffeFormatError, match="must return a Keras") as caught:
        to_keras(write(NET))
    assert (caught.value.layer, caught.value.type) == ("s", "Mish")


def test_a_converter_that_gives_a_name_twice(write, monkeypatch):
    def twice(layer, inputs):
        x = layer.add(keras.layers.ReLU, *inputs)
        return layer.add(keras.layers.ReLU, x)

    monkeypatch.setitem(LAYER_TYPES, "Mish", LayerType("Mish", twice))
    with pytest.raises(CaffeFormatError, match=r"layer 's' .*`part=") as caught:
        to_keras(write(NET))
    assert (caught.value.layer, caught.value.type) == ("s", "Mish")


@pytest.mark.parametrize("wrong", [None, "", 3])
def test_wrong_types(wrong):
    with pytest.raises(ValueError, match=r"`type`.*Received"):
        register_layer(wrong)


def test_what_can_be_done_comes_before_the_list(write):
    """In the words of the command line, and of Python."""
    python = (
        NET
        + 'layer { name: "p" type: "Python" bottom: "y" top: "rois" '
        + 'python_param { module: "m" speed: 3 } }'
    ).replace("Mish", "ReLU")
    with pytest.raises(UnsupportedLayerError) as caught:
        to_keras(write(python))
    message = caught.value.message
    assert message.startswith("line 4: the type 'Python' is not supported; ")
    places = [
        message.index(words)
        for words in (
            "--outputs y ends before it (in Python ",
            'or teach it with register_layer("Python"), with `parameter` for '
            "its own `python_param.speed`",
            "; supported are AbsVal, ",
        )
    ]
    assert places == sorted(places)
