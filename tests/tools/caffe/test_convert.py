import contextlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    read_caffemodel,
    read_prototxt,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    name_map,
    to_keras,
)

TWO_OUTPUTS = """
input: "x" input_shape { dim: 3 dim: 4 }
layer { name: "b" type: "InnerProduct" bottom: "x" top: "zeta"
        inner_product_param { num_output: 2 } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "alpha"
        inner_product_param { num_output: 5 } }
"""


def test_outputs_are_alphabetical_or_as_asked_for(write):
    path = write(TWO_OUTPUTS)
    model = to_keras(path)
    assert model.output_names == ["alpha", "zeta"]
    assert [x.shape for x in model.outputs] == [(None, 5), (None, 2)]
    chosen = to_keras(path, outputs=["zeta", "alpha"])
    assert chosen.output_names == ["zeta", "alpha"]
    one = to_keras(path, outputs=["zeta"])
    assert one(np.ones((7, 4))).shape == (7, 2)
    assert [layer.name for layer in one.layers] == ["x", "b"]


def test_outputs_may_leave_out_what_is_broken(write):
    path = write(
        TWO_OUTPUTS
        + 'layer { name: "no" type: "Nonsense" bottom: "gone" top: "n" }'
    )
    with pytest.raises(CaffeFormatError, match="'gone'"):
        to_keras(path)
    assert to_keras(path, outputs=["alpha"]).output_names == ["alpha"]


@pytest.mark.parametrize("outputs", [["nothing"], [], ["zeta", "zeta"]])
def test_wrong_outputs(outputs, write):
    with pytest.raises(ValueError, match=r"`outputs` .* alpha.*Received"):
        to_keras(write(TWO_OUTPUTS), outputs=outputs)


@pytest.mark.parametrize(
    "options, word",
    [
        ({"phase": "test"}, "`phase`"),
        ({"stages": "deploy"}, "`stages`"),
        ({"level": 1.5}, "`level`"),
    ],
)
def test_wrong_options(options, word, write):
    with pytest.raises(ValueError, match=word + ".*Received"):
        to_keras(write(TWO_OUTPUTS), **options)


def test_missing_files_are_missing_files(write, tmp_path):
    with pytest.raises(FileNotFoundError):
        to_keras(tmp_path / "none.prototxt")
    with pytest.raises(FileNotFoundError):
        to_keras(write(TWO_OUTPUTS), tmp_path / "none.caffemodel")


def test_phase_stages_and_level_choose_layers(recording):
    case = recording("phase_rules_test")

    def layers(**options):
        # TRAIN and deploy have other shapes than the model was saved with.
        return {
            layer["name"]
            for layer in name_map(to_keras(case.prototxt, **options))["layers"]
        }

    assert {"conv_test", "not_deploy", "lvl0"} < layers()
    assert {"conv_test", "only_deploy", "lvl0"} < layers(stages=["deploy"])
    # Level 1 lifts the rule that kept `lvl` out, and drops `lvl0`.
    assert {"lvl", "not_deploy"} < layers(level=1)
    assert "lvl0" not in layers(level=1)


def warns_on_tensorflow():
    if keras.config.backend() != "tensorflow":
        return contextlib.nullcontext()
    return pytest.warns(UserWarning, match="cannot compile")


def test_names(recording):
    case = recording("odd_names")
    with warns_on_tensorflow():
        model = to_keras(case.prototxt, case.caffemodel)
    names = [layer.name for layer in model.layers]
    # The input has its name; the layer that is called so too has another.
    assert names[0] == "data"
    assert "conv1__7x7_s2" in names and "conv1_7x7_s2" in names
    assert "a b:c" in names and "data_1" in names
    kept = {layer["name"]: layer for layer in name_map(model)["layers"]}
    assert kept["conv1/7x7_s2"]["keras_name"] == "conv1__7x7_s2"
    assert kept["-x.y+z"]["tops"] == {"Ünï": "-x__y+z"}
    assert model.predict(case.inputs["data"], verbose=0).shape == (2, 2)
    with warns_on_tensorflow():
        slash = to_keras(case.prototxt, outputs=["out of conv 1"])
    assert slash.output_names == ["out of conv 1"]


# Keras takes the dict and warns that it had wanted an array.
@pytest.mark.filterwarnings("ignore:The structure of `inputs`")
def test_inputs_by_blob_name_and_as_arrays(recording):
    case = recording("input_layer_multi")
    model = to_keras(case.prototxt, case.caffemodel)
    by_name = model.predict(case.inputs, verbose=0)
    in_order = model.predict(list(case.inputs.values()), verbose=0)
    np.testing.assert_array_equal(by_name, in_order)
    case = recording("fullconv_any_size_12")
    model = to_keras(case.prototxt, case.caffemodel)
    (image,) = case.inputs.values()
    by_name = model.predict(case.inputs, verbose=0)
    np.testing.assert_array_equal(by_name, model.predict(image, verbose=0))
    many = model.predict(np.repeat(image, 5, axis=0), verbose=0)
    np.testing.assert_allclose(many, np.repeat(by_name, 5, axis=0), atol=1e-6)


def test_the_map_is_in_the_saved_file(sample, tmp_path):
    import json
    import zipfile

    model = to_keras(*sample)
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        config = json.loads(archive.read("config.json"))
    assert config["config"]["caffe"] == name_map(model)
    assert name_map(keras.Sequential([keras.Input((2,))])) is None


def test_names_of_outputs_after_loading(sample, tmp_path):
    """Keras names them after layers; the file knows Caffe's."""
    path = tmp_path / "m.keras"
    model = to_keras(*sample, outputs=["conv1b", "conv1a"])
    model.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.output_names == ["prelu1b", "prelu1a"]
    assert name_map(path)["outputs"] == model.output_names
    loaded.output_names = name_map(path)["outputs"]
    loaded.save(path)
    again = keras.models.load_model(path)
    assert again.output_names == ["prelu1b", "prelu1a"]


@pytest.mark.slow
def test_plain_keras_loads_the_sample(sample, tmp_path):
    """A fresh process that never imports this package."""
    model = to_keras(*sample)
    images = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)
    model.save(tmp_path / "m.keras")
    np.save(tmp_path / "x.npy", images)
    code = (
        "import keras, numpy, sys\n"
        "m = keras.models.load_model('m.keras')\n"
        "numpy.save('y.npy', m.predict(numpy.load('x.npy'), verbose=0))\n"
        "assert not [n for n in sys.modules if n.startswith('keras_hyper')]\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(
        np.load(tmp_path / "y.npy"), model.predict(images, verbose=0)
    )


def test_initializers_survive(sample):
    """Weights are not drawn twice, but the layers know how to draw them."""
    layer = to_keras(*sample).get_layer("conv1a")
    assert isinstance(
        layer.kernel_initializer, keras.initializers.GlorotUniform
    )


def test_fillers_without_a_model(write):
    path = write(
        """
        input: "x" input_shape { dim: 1 dim: 2 dim: 3 dim: 3 }
        layer { name: "p" type: "PReLU" bottom: "x" top: "p" }
        layer { name: "s" type: "Scale" bottom: "p" top: "s" }
        layer { name: "c" type: "Convolution" bottom: "s" top: "c"
                convolution_param { num_output: 4 kernel_size: 3
                  weight_filler { type: "xavier" }
                  bias_filler { value: 0.5 } } }
        """
    )
    keras.utils.set_random_seed(3)
    model = to_keras(path)
    assert (model.get_layer("p").get_weights()[0] == 0.25).all()
    assert (model.get_layer("s").get_weights()[0] == 1).all()
    kernel, bias = model.get_layer("c").get_weights()
    # U(-a, a) with a = sqrt(3 / fan in); fan in is 2 x 3 x 3.
    assert 0.25 < np.abs(kernel).max() <= np.sqrt(3 / 18)
    assert (bias == 0.5).all()
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(
        to_keras(path).get_layer("c").get_weights()[0], kernel
    )


def test_wrong_number_of_blobs(sample, tmp_path):
    net = read_caffemodel(sample[1])
    layer = next(layer for layer in net.layer if layer.name == "ip1")
    del layer.blobs[1]
    write_caffemodel(net, tmp_path / "m.caffemodel")
    with pytest.raises(
        CaffeFormatError, match=r"1 blobs.* declares 2"
    ) as caught:
        to_keras(sample[0], tmp_path / "m.caffemodel")
    assert (caught.value.layer, caught.value.type) == ("ip1", "InnerProduct")
    assert "m.caffemodel" in caught.value.file


def test_legacy_blobs_line_up_at_the_right(sample, tmp_path):
    net = read_caffemodel(sample[1])
    layer = next(layer for layer in net.layer if layer.name == "ip1")
    dims = list(layer.blobs[0].shape.dim)
    for blob, old in zip(
        layer.blobs, ([1, 1, *dims], [1, 1, 1, dims[0]]), strict=True
    ):
        blob.ClearField("shape")
        blob.num, blob.channels, blob.height, blob.width = old
    write_caffemodel(net, tmp_path / "m.caffemodel")
    old = to_keras(sample[0], tmp_path / "m.caffemodel")
    for a, b in zip(
        old.get_weights(), to_keras(*sample).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "layer, error",
    [
        (
            "name: 'c' type: 'Convolution' convolution_param { num_output: 0 "
            "kernel_size: 3 }",
            "least",
        ),
        (
            "name: 'c' type: 'Convolution' convolution_param { num_output: 2 "
            "kernel_size: 9 }",
            "larger than the padded",
        ),
        (
            "name: 'c' type: 'Convolution' convolution_param { num_output: "
            "2000000000 kernel_size: 3 }",
            "declares a blob",
        ),
        (
            "name: 'c' type: 'Convolution' convolution_param { num_output: 2 "
            "kernel_size: 3 pad: 4000000000 }",
            "makes a blob",
        ),
        ("name: 'c' type: 'Softmax' softmax_param { axis: 9 }", "axis 9"),
        (
            "name: 'c' type: 'Dropout' dropout_param { dropout_ratio: 1 }",
            "dropout_ratio",
        ),
        (
            "name: 'c' type: 'Slice' slice_param { slice_point: 7 }",
            "slice_point",
        ),
        ("name: 'c' type: 'InnerProduct'", "num_output"),
        ("name: 'c' type: 'Exp' exp_param { base: 0 }", "base"),
    ],
)
def test_settings_that_caffe_would_refuse(layer, error, write):
    path = write(
        'input: "x" input_shape { dim: 1 dim: 2 dim: 5 dim: 5 }\n'
        f'layer {{ {layer} bottom: "x" top: "y" }}'
    )
    with pytest.raises(CaffeFormatError, match=error) as caught:
        to_keras(path)
    assert caught.value.layer == "c"


def test_bare_sizes_do_not_exhaust_memory(write):
    for shape in ("dim: 1099511627776 dim: 2", "dim: 0 dim: 2", ""):
        path = write(
            f'input: "x" input_shape {{ {shape} }}\n'
            'layer { name: "r" type: "ReLU" bottom: "x" top: "y" }'
        )
        with pytest.raises((CaffeFormatError, UnsupportedLayerError)):
            to_keras(path)


def test_prototxt_of_the_sample_is_as_documented(sample):
    text = sample[0].read_text()
    assert "0.00390625" in text
    assert read_prototxt(sample[0]).name == "LeNet++"


def test_set_blob_round_trip(sample, tmp_path):
    """What is changed in the file is changed in the model."""
    net = read_caffemodel(sample[1])
    layer = next(layer for layer in net.layer if layer.name == "conv1b")
    kernel = np.random.default_rng(0).random((16, 16, 5, 5), np.float32)
    set_blob(layer.blobs[0], kernel)
    write_caffemodel(net, tmp_path / "m.caffemodel")
    model = to_keras(sample[0], tmp_path / "m.caffemodel")
    np.testing.assert_array_equal(
        model.get_layer("conv1b").get_weights()[0].transpose(3, 2, 0, 1),
        kernel,
    )
