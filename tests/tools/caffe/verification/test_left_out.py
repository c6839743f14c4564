"""Blobs that a model does not have, rightly or not."""

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import to_keras, verify

INPUT = 'input: "data" input_shape { dim: 1 dim: 2 dim: 8 dim: 8 }\n'
SLICE = (
    INPUT
    + """
layer { name: "s" type: "Slice" bottom: "data" top: "a" top: "b" }
layer { name: "relu" type: "ReLU" bottom: "a" top: "relu" }
layer { name: "silence" type: "Silence" bottom: "b" }
"""
)
# As Caffe writes a network: each blob that two layers read is split.
SPLIT = (
    INPUT
    + """
layer { name: "data_input_0_split" type: "Split" bottom: "data"
  top: "data_input_0_split_0" top: "data_input_0_split_1" }
layer { name: "c" type: "Convolution" bottom: "data_input_0_split_0" top: "c"
  convolution_param { num_output: 2 kernel_size: 3 pad: 1 } }
layer { name: "sum" type: "Eltwise" bottom: "c"
  bottom: "data_input_0_split_1" top: "sum" }
layer { name: "sum_split" type: "Split" bottom: "sum" top: "s0" top: "s1" }
layer { name: "d" type: "Convolution" bottom: "s0" top: "d"
  convolution_param { num_output: 2 kernel_size: 3 pad: 1 } }
layer { name: "quiet" type: "Silence" bottom: "s1" }
"""
)
CROP = (
    INPUT
    + """
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 2 kernel_size: 3 } }
layer { name: "like" type: "Convolution" bottom: "c" top: "like"
  convolution_param { num_output: 2 kernel_size: 3 } }
layer { name: "d" type: "Crop" bottom: "c" bottom: "like" top: "d"
  crop_param { axis: 2 offset: 1 } }
"""
)
BRANCH = """
layer {{ name: "c{0}" type: "Convolution" bottom: "{1}" top: "c{0}"
  param {{ name: "w" }} param {{ name: "b" }}
  convolution_param {{ num_output: 2 kernel_size: 3 }} }}
layer {{ name: "d{0}" type: "Convolution" bottom: "c{0}" top: "d{0}"
  param {{ name: "v" }} param {{ name: "u" }}
  convolution_param {{ num_output: 2 kernel_size: 3 }} }}
"""
SIAMESE = (
    INPUT
    + INPUT.replace("data", "data_p")
    + BRANCH.format("", "data")
    + BRANCH.format("_p", "data_p")
)


@pytest.fixture
def network(write, tmp_path):
    """Writes a network with two convolutions of random weights."""

    def make(text):
        net = NetParameter()
        random = np.random.default_rng(0)
        for name in ("c", "d", "like"):
            layer = net.layer.add(name=name, type="Convolution")
            for shape in ((2, 2, 3, 3), (2,)):
                set_blob(layer.blobs.add(), random.normal(size=shape))
        write_caffemodel(net, tmp_path / "net.caffemodel")
        return write(text), tmp_path / "net.caffemodel"

    return make


@pytest.mark.parametrize(
    ("text", "outputs", "left_out"),
    [
        (SLICE, None, ("b",)),
        (SLICE, ["relu"], ("b",)),
        (SPLIT, None, ("s1",)),
        (SPLIT, ["c"], ("data_input_0_split_1",)),
        (CROP, None, ("like",)),
        (SIAMESE, None, ()),
        pytest.param(SIAMESE, ["d"], (), marks=pytest.mark.slow),
        (SIAMESE, ["d_p"], ()),
    ],
)
def test_what_no_output_needs(text, outputs, left_out, network, tmp_path):
    files = network(text) if text is not SLICE else (network(text)[0], None)
    model = to_keras(*files, outputs)
    model.save(tmp_path / "model.keras")
    for given in (model, tmp_path / "model.keras"):
        report = verify(given, *files, outputs=outputs)
        assert report.passed, report
        assert report.left_out == left_out
        assert not {row.blob for row in report.rows}.intersection(left_out)
        assert report.to_dict()["left_out"] == list(left_out)
        assert ("left out" in str(report)) == bool(left_out)
    for layer in model.layers:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        kernel[1, 2, 0, 1] += 0.3
        layer.set_weights([kernel, bias])
        report = verify(model, *files, outputs=outputs)
        assert not report.passed
        kernel[1, 2, 0, 1] -= 0.3
        layer.set_weights([kernel, bias])


@pytest.mark.parametrize("text", [SPLIT, SIAMESE])
def test_two_layers_that_are_swapped(text, network, tmp_path):
    """The weights are those of the file, and act in another order."""
    prototxt, caffemodel = network(text)
    other = tmp_path / "other.prototxt"
    swapped = text.replace('name: "c', 'name: "x')
    swapped = swapped.replace('name: "d', 'name: "c').replace("x", "d")
    other.write_text(swapped)
    report = verify(to_keras(other, caffemodel), prototxt, caffemodel)
    assert not report.passed


def test_a_missing_blob_that_a_layer_reads(network):
    """The model has another layer in its place."""
    files = network(SPLIT)
    model = to_keras(*files)
    renamed = keras.models.clone_model(
        model,
        clone_function=lambda layer: (
            keras.layers.Identity(name="other")
            if layer.name == "data_input_0_split_top1"
            else type(layer).from_config(layer.get_config())
        ),
    )
    renamed.set_weights(model.get_weights())
    report = verify(renamed, *files)
    assert not report.passed
