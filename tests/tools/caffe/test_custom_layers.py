"""A fork's layer with its own message, from prototxt to a trained model."""

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    custom_layers,
    read_prototxt,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    register_layer,
    register_reference,
    supported_layers,
    to_keras,
    verify,
)
from keras_hypersphere.tools.caffe import layer_type as converters

pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")

# `gain` multiplies channels by learned numbers, after a power.
GAIN = {
    "gain_param 210": {
        "power 1": "float = 1",
        "filler 2": "FillerParameter",
        "sign 3": ("KEEP", "DROP"),
    }
}
NET = """
input: "data" input_shape { dim: 2 dim: 3 dim: 4 dim: 5 }
layer { name: "gain" type: "Gain" bottom: "data" top: "gain"
  param { lr_mult: 1 }
  gain_param { sign: DROP power: 2 filler { type: "constant" value: 3 } } }
layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" }
"""
LOSS = """
input: "wanted" input_shape { dim: 2 dim: 3 dim: 4 dim: 5 }
layer { name: "loss" type: "EuclideanLoss" bottom: "gain" bottom: "wanted"
  top: "loss" }
"""


@pytest.fixture(autouse=True)
def only_here(monkeypatch):
    monkeypatch.setattr(converters, "LAYER_TYPES", dict(converters.LAYER_TYPES))
    monkeypatch.setattr(custom_layers, "CUSTOM", {})


def register():
    @register_layer("Gain", parameter=GAIN)
    def emit(layer, inputs):
        x = layer.expect(inputs, 1, rank=4)
        settings = layer.parameter.gain_param
        (gain,) = layer.blobs(((x.shape[-1],), settings.filler))
        if settings.sign:
            x = layer.compute(keras.ops.absolute, x, part="drop")
        x = layer.compute(keras.ops.power, x, settings.power, part="power")
        return layer.add(
            keras.layers.EinsumDense,
            x,
            weights=[gain],
            equation="nhwc,c->nhwc",
            output_shape=x.shape[1:],
        )

    @register_reference("Gain")
    def compute(layer, bottoms):
        settings = layer.parameter.gain_param
        x = np.abs(bottoms[0]) if settings.sign else bottoms[0]
        gain = layer.blob(0, (x.shape[1],), settings.filler)
        return x**settings.power * gain[:, None, None]


@pytest.fixture
def stored(tmp_path):
    """Weights for a network."""

    def write(prototxt, *values):
        net = read_prototxt(prototxt)
        (gain,) = (layer for layer in net.layer if layer.name == "gain")
        set_blob(gain.blobs.add(), np.array(values, np.float32))
        path = tmp_path / "net.caffemodel"
        write_caffemodel(net, path)
        return path

    return write


def test_it_converts_is_verified_and_saved(write, stored, tmp_path):
    register()
    prototxt = write(NET)
    caffemodel = stored(prototxt, 1, 10, 100)
    model = to_keras(prototxt, caffemodel)
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("f4")
    made, _ = model.predict(x, verbose=0)
    np.testing.assert_allclose(made, x**2 * [1, 10, 100], rtol=1e-5)
    model.save(tmp_path / "net.keras")
    report = verify(tmp_path / "net.keras", prototxt, caffemodel)
    assert report.passed and [row.layer for row in report.rows] == [
        "gain",
        "relu",
    ]
    # Without weights, from the filler that its own message names.
    (gain,) = to_keras(prototxt).get_layer("gain").get_weights()
    assert gain.tolist() == [3, 3, 3]
    assert verify(to_keras(prototxt), prototxt).passed


def test_a_binary_prototxt(write, stored):
    """By the numbers that were declared."""
    register()
    binary = stored(write(NET), 1, 2, 3)
    assert verify(to_keras(binary, binary), binary, binary).passed


def test_it_trains(write):
    register()
    model = to_keras(write(NET + LOSS), phase="TRAIN", outputs=["loss"])
    model.compile(keras.optimizers.SGD(0.01))
    x = np.random.default_rng(0).normal(size=(64, 4, 5, 3))
    feed = {"data": x, "wanted": x**2 * [1, 2, 4]}
    model.fit(feed, batch_size=16, epochs=10, verbose=0)
    (gain,) = model.get_layer("gain").get_weights()
    np.testing.assert_allclose(gain, [1, 2, 4], atol=0.05)


def test_without_it_the_layer_is_named(write):
    prototxt = write(NET)
    with pytest.raises(UnsupportedLayerError) as caught:
        to_keras(prototxt)
    error = caught.value
    assert (error.layer, error.type) == ("gain", "Gain")
    assert error.supported == supported_layers()
    assert str(error).startswith(f"{prototxt}: layer 'gain' (Gain): line 5: ")
    assert "PReLU" in str(error) and "`gain_param`" in str(error)
    assert to_keras(prototxt, outputs=["relu"]).output_names == ["relu"]


def test_misspellings(write):
    """Refused where they would change numbers, warned of elsewhere."""
    register()
    typo = write(NET.replace('top: "relu"', 'top: "relu" gain_param { }'))
    with pytest.raises(CaffeFormatError, match=r"line 6, .*register_layer\("):
        to_keras(typo)
    with pytest.warns(UserWarning, match="`gain_param` of 'relu' .line 6.;"):
        to_keras(typo, outputs=["gain"])
    typo = write(NET.replace("power: 2", "pwer: 2"))
    words = r'line 5, .*`gain_param.pwer`.*{"gain_param": {"pwer": …}}'
    with pytest.raises(CaffeFormatError, match=words) as caught:
        to_keras(typo)
    assert (caught.value.layer, caught.value.type) == ("gain", "Gain")
    # Registered, but not with this.
    register_layer("Gain")(lambda layer, inputs: inputs)
    with pytest.raises(CaffeFormatError, match=r"line 5, .*`gain_param`"):
        to_keras(write(NET))


def test_a_field_that_a_fork_gave_to_caffes_message(write):
    """The type is replaced by one that knows it."""
    net = NET[: NET.index("layer {")] + (
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r" '
        "relu_param { negative_slope: 0.5 shift: 2 } }"
    )
    with pytest.raises(CaffeFormatError, match=r"`relu_param\.shift`"):
        to_keras(write(net))

    @register_layer("ReLU", {"relu_param": {"shift": "float"}})
    def shifted(layer, inputs):
        settings = layer.parameter.relu_param
        x = layer.add(
            keras.layers.ReLU, *inputs, negative_slope=settings.negative_slope
        )
        return layer.add(
            keras.layers.Rescaling, x, "shift", offset=settings.shift, scale=1
        )

    x = np.array([-4.0, 0, 3], "f4").reshape(1, 1, 1, 3).repeat(4, 1)
    made = to_keras(write(net)).predict(x.repeat(5, 2), verbose=0)
    assert made[0, 0, 0].tolist() == [0, 2, 5]


def test_wrong_parameters():
    with pytest.raises(ValueError, match=r"`parameter` .* Received: param"):
        register_layer("Gain", parameter={"gain_param": "flt"})
    with pytest.raises(ValueError, match="must be a dict"):
        register_layer("Gain", {})
    assert "Gain" not in supported_layers()
