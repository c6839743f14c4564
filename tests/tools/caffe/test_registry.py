import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    UnsupportedLayerError,
    register_layer,
    supported_layers,
    to_keras,
)
from keras_hypersphere.tools.caffe.registry import EMITTERS

GUIDE = Path(__file__).parents[3] / "docs" / "converting.md"
NET = """
input: "x" input_shape { dim: 1 dim: 3 }
layer { name: "s" type: "Swish" bottom: "x" top: "y" }
"""


def test_a_user_adds_a_layer_type(write, monkeypatch):
    monkeypatch.setattr(
        "keras_hypersphere.tools.caffe.registry.EMITTERS", dict(EMITTERS)
    )
    path = write(NET)
    with pytest.raises(UnsupportedLayerError, match=r"'Swish'.*PReLU"):
        to_keras(path)

    @register_layer("Swish")
    def swish(layer, inputs):
        return layer.add(keras.layers.Activation, *inputs, activation="silu")

    assert "Swish" in supported_layers()
    values = np.array([[-1.0, 0.0, 2.0]], np.float32)
    expected = values / (1 + np.exp(-values))
    np.testing.assert_allclose(
        to_keras(path).predict(values, verbose=0), expected, rtol=1e-5
    )


def test_an_emitter_that_makes_too_little(write, monkeypatch):
    monkeypatch.setitem(EMITTERS, "Swish", lambda layer, inputs: [])
    with pytest.raises(ValueError, match="has 1 tops; it makes 0"):
        to_keras(write(NET))


@pytest.mark.parametrize("wrong", [None, "", 3])
def test_wrong_types(wrong):
    with pytest.raises(ValueError, match=r"`type`.*Received"):
        register_layer(wrong)


def test_the_guide_lists_what_is_registered():
    rows = [
        line.split("|")[1:3]
        for line in GUIDE.read_text().splitlines()
        if re.match(r"\| `[A-Z]", line)
    ]
    listed = {a.strip().strip("`"): b.strip() for a, b in rows}
    assert listed == {
        type: inspect.getdoc(emitter).replace("\n", " ")
        for type, emitter in EMITTERS.items()
    }
