"""Data layers as inputs, and what they did to images."""

import hashlib
import json
import os

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import BlobProto, set_blob
from keras_hypersphere.tools.caffe import CaffeFormatError, name_map, to_keras
from keras_hypersphere.tools.caffe.network.preprocessing import Preprocessing

array = keras.ops.convert_to_numpy
pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")

# What follows the data: something that reads it, and a loss.
REST = """
layer { name: "p" type: "Pooling" bottom: "data" top: "p"
  pooling_param { global_pooling: true pool: AVE } }
layer { name: "ip" type: "InnerProduct" bottom: "p" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label"
  top: "loss" }
layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "acc" }
"""
DATA = 'layer {{ name: "d" type: "{}" top: "data" top: "label" {} }}\n'


def data(type, text=""):
    return DATA.format(type, text) + REST


IMAGE = "image_data_param { batch_size: 7 new_height: 9 new_width: 8 }"
GRAY = IMAGE.replace("batch_size", "is_color: false batch_size")
MEANS = "mean_value: 1 mean_value: 2 mean_value: 3"
SHAPES = [
    ("ImageData", IMAGE, (9, 8, 3)),
    ("ImageData", GRAY, (9, 8, 1)),
    ("ImageData", IMAGE + "transform_param { crop_size: 6 }", (6, 6, 3)),
    ("ImageData", "image_data_param { crop_size: 6 }", (6, 6, 3)),
    ("Data", f"transform_param {{ crop_size: 5 {MEANS} }}", (5, 5, 3)),
    ("Data", "transform_param { crop_size: 5 force_gray: true }", (5, 5, 1)),
    ("Data", "transform_param { crop_size: 5 force_color: true }", (5, 5, 3)),
    (
        "Data",
        "transform_param { crop_h: 5 crop_w: 4 force_color: true }",
        (5, 4, 3),
    ),
    ("WindowData", "window_data_param { crop_size: 6 }", (6, 6, 3)),
    (
        "MemoryData",
        "memory_data_param { batch_size: 2 channels: 4 height: 3 width: 5 }",
        (3, 5, 4),
    ),
    (
        "DummyData",
        "dummy_data_param { shape { dim: 2 dim: 4 dim: 3 dim: 5 } "
        "shape { dim: 2 } }",
        (3, 5, 4),
    ),
    (
        "DummyData",
        "dummy_data_param { num: 2 num: 2 channels: 4 channels: 1 "
        "height: 3 height: 1 width: 5 width: 1 }",
        (3, 5, 4),
    ),
]


@pytest.mark.parametrize(("type", "text", "shape"), SHAPES)
def test_shapes(type, text, shape, write):
    path = write(data(type, text))
    model = to_keras(path)
    assert [(x.name, x.shape) for x in model.inputs] == [
        ("data", (None, *shape))
    ]
    assert model.output_names == ["ip"]
    model = to_keras(path, phase="TRAIN")
    image, label = model.inputs
    assert image.shape == (None, *shape) and image.dtype == "float32"
    assert label.name == "label" and label.dtype == "int32"
    assert model.output_names == ["acc", "loss"]


def test_shapes_that_are_given(write):
    path = write(data("ImageData", "image_data_param { batch_size: 7 }"))
    with pytest.raises(CaffeFormatError) as caught:
        to_keras(path)
    assert caught.value.layer == "d"
    assert 'input_shapes={"data": (112, 96, 3)}' in str(caught.value)
    model = to_keras(path, input_shapes={"data": (6, 5, 3)})
    assert model.input_shape == (None, 6, 5, 3)
    # Also where the network has one: the same weights see another size.
    path = write(data("ImageData", IMAGE))
    model = to_keras(path, input_shapes={"data": (12, 11, 3)})
    assert model.input_shape == (None, 12, 11, 3)
    path = write('input: "x" input_shape { dim: 1 dim: 3 dim: 4 dim: 4 }')
    model = to_keras(path, input_shapes={"x": [8, 6, 3]})
    assert model.input_shape == (None, 8, 6, 3)


@pytest.mark.parametrize(
    "shapes",
    [
        {"date": (4, 4, 3)},
        {"data": "4x4"},
        {"data": (4, None, 3)},
    ],
)
def test_refuses_shapes(shapes, write):
    with pytest.raises(ValueError, match="`input_shapes`") as caught:
        to_keras(write(data("ImageData", IMAGE)), input_shapes=shapes)
    assert "data, label" in str(caught.value)
    assert "Received" in str(caught.value)


def test_hdf5_has_its_shapes_in_the_file(write):
    path = write(data("HDF5Data", 'hdf5_data_param { source: "list.txt" }'))
    with pytest.raises(CaffeFormatError, match="the file that it reads"):
        to_keras(path)
    model = to_keras(path, phase="TRAIN", input_shapes={"data": (4, 4, 3)})
    assert [x.shape for x in model.inputs] == [(None, 4, 4, 3), (None,)]


def test_channels_that_nobody_says(write):
    path = write(data("Data", "transform_param { crop_size: 5 }"))
    with pytest.warns(UserWarning, match="3 are assumed"):
        assert to_keras(path).input_shape == (None, 5, 5, 3)
    model = to_keras(path, input_shapes={"data": (5, 5, 1)})
    assert model.input_shape == (None, 5, 5, 1)


def test_outputs_need_no_data_layer_that_they_do_not_read(write):
    text = data("Data").replace(
        "layer", 'input: "x" input_shape { dim: 1 dim: 2 }\nlayer', 1
    )
    more = 'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }'
    assert to_keras(write(text + more), outputs=["r"]).input_shape == (None, 2)


def test_python_layers_are_refused(write):
    from keras_hypersphere.tools.caffe import UnsupportedLayerError

    with pytest.raises(UnsupportedLayerError, match="'Python'"):
        to_keras(write(data("Python")))


TRANSFORM = (
    """
transform_param { scale: 0.0078125 mirror: true crop_size: 6
  mean_value: 104 mean_value: 117 mean_value: 123.68 }
"""
    + IMAGE
)


def test_preprocessing_is_recorded(write):
    model = to_keras(write(data("ImageData", TRANSFORM)))
    (steps,) = name_map(model)["preprocessing"].items()
    assert steps == (
        "data",
        {
            "resize": [9, 8],
            "crop": [6, 6],
            "mirror": True,
            "mean_value": [104.0, 117.0, 123.68],
            "mean_file": None,
            "scale": 0.0078125,
            "channels": 3,
            "channel_order": "BGR",
        },
    )
    assert json.loads(json.dumps(steps[1])) == steps[1]
    assert name_map(model)["preprocessing_in_model"] == {}
    plain = to_keras(write('input: "x" input_shape { dim: 1 dim: 3 }'))
    assert name_map(plain)["preprocessing"] == {}
    # An input that is left out takes no images.
    late = to_keras(
        write(
            data("ImageData", TRANSFORM) + 'layer { name: "e" type: "Input" '
            'top: "e" input_param { shape { dim: 1 dim: 2 } } }'
        ),
        outputs=["e"],
    )
    assert name_map(late)["preprocessing"] == {}


def test_older_files_have_it_in_another_message(write):
    text = "data_param { scale: 0.5 mirror: true crop_size: 4 }"
    text += " transform_param { scale: 0.25 force_gray: true }"
    model = to_keras(write(data("Data", text)))
    steps = name_map(model)["preprocessing"]["data"]
    assert (steps["scale"], steps["crop"], steps["mirror"]) == (
        0.25,
        [4, 4],
        True,
    )


def test_preprocessing_in_the_model(write, tmp_path):
    path = write(data("ImageData", TRANSFORM))
    keras.utils.set_random_seed(0)
    bare = to_keras(path)
    keras.utils.set_random_seed(0)
    whole = to_keras(path, preprocessing=True)
    x = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3))
    mean = np.float32([104, 117, 123.68])
    ready = (x.astype("f4") - mean) * np.float32(0.0078125)
    made = whole.get_layer("data_scale").output
    probe = keras.Model(whole.inputs, made)
    np.testing.assert_array_equal(array(probe(x.astype("f4"))), ready)
    np.testing.assert_allclose(array(whole(x)), array(bare(ready)), rtol=1e-5)
    # What the model does is not left to do.
    record = name_map(whole)
    assert record["preprocessing"]["data"] == {
        **name_map(bare)["preprocessing"]["data"],
        "mean_value": [],
        "scale": 1.0,
    }
    assert record["preprocessing_in_model"] == {
        "data": {
            "mean_value": [104.0, 117.0, 123.68],
            "mean_file": None,
            "scale": 0.0078125,
        }
    }
    whole.save(tmp_path / "whole.keras")
    loaded = keras.models.load_model(tmp_path / "whole.keras")
    np.testing.assert_array_equal(array(loaded(x)), array(whole(x)))


def test_a_mean_image(write, tmp_path):
    text = 'transform_param { mean_file: "mean.binaryproto" crop_size: 4 }'
    text += IMAGE
    path = write(data("ImageData", text))
    steps = name_map(to_keras(path))["preprocessing"]["data"]
    assert steps["mean_file"] == {
        "name": "mean.binaryproto",
        "sha256": None,
        "shape": None,
        "channel_means": None,
    }
    with pytest.raises(FileNotFoundError, match="no mean file"):
        to_keras(path, preprocessing=True)
    mean = np.random.default_rng(0).normal(size=(1, 3, 9, 8)).astype("f4")
    blob = BlobProto()
    set_blob(blob, mean)
    (tmp_path / "mean.binaryproto").write_bytes(blob.SerializeToString())
    described = {
        "name": "mean.binaryproto",
        "sha256": hashlib.sha256(blob.SerializeToString()).hexdigest(),
        "shape": [9, 8, 3],
        "channel_means": pytest.approx(mean.mean((0, 2, 3)).tolist()),
    }
    left = name_map(to_keras(path))["preprocessing"]["data"]
    assert left["mean_file"] == described
    model = to_keras(path, preprocessing=True)
    assert name_map(model)["preprocessing"]["data"]["mean_file"] is None
    done = name_map(model)["preprocessing_in_model"]["data"]
    assert done["mean_file"] == described
    x = np.random.default_rng(1).normal(size=(2, 4, 4, 3)).astype("f4")
    probe = keras.Model(model.inputs, model.get_layer("data_mean").output)
    middle = mean.transpose(0, 2, 3, 1)[:, 2:6, 2:6]
    np.testing.assert_array_equal(array(probe(x)), x - middle)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(loaded(x)), array(model(x)))


@pytest.mark.parametrize("kind", ["folder", "pipe", "empty", "damaged"])
def test_mean_files_that_are_none(kind, write, tmp_path):
    """They stop nobody who does not want the mean in the model."""
    mean = tmp_path / "mean.binaryproto"
    if kind == "folder":
        mean.mkdir()
    elif kind == "pipe":
        os.mkfifo(mean)
    else:
        mean.write_bytes(b"\x01damaged" if kind == "damaged" else b"")
    text = f'transform_param {{ mean_file: "{mean}" crop_size: 4 }}' + IMAGE
    path = write(data("ImageData", text))
    steps = name_map(to_keras(path))["preprocessing"]["data"]
    assert steps["mean_file"]["name"] == "mean.binaryproto"
    assert (steps["mean_file"]["sha256"] is None) == (kind != "damaged")
    assert steps["mean_file"]["channel_means"] is None
    error = CaffeFormatError if kind == "damaged" else FileNotFoundError
    with pytest.raises(error, match=r"mean\.binaryproto"):
        to_keras(path, preprocessing=True)


def test_preprocessing_that_there_is_none_of(write):
    path = write(data("ImageData", "transform_param { crop_size: 4 }" + IMAGE))
    with pytest.warns(UserWarning, match="`preprocessing` adds nothing"):
        model = to_keras(path, preprocessing=True)
    assert name_map(model)["preprocessing"]["data"]["crop"] == [4, 4]
    assert name_map(model)["preprocessing_in_model"] == {}


def test_means_that_do_not_fit(write):
    both = f'transform_param {{ mean_file: "m" crop_size: 4 {MEANS} }}'
    with pytest.raises(CaffeFormatError, match="`mean_file` and"):
        to_keras(write(data("ImageData", both)))
    two = "transform_param { mean_value: 1 mean_value: 2 }" + IMAGE
    with pytest.raises(ValueError, match="2 `mean_value` do not fit"):
        to_keras(write(data("ImageData", two)), preprocessing=True)
    steps = Preprocessing(mean_value=(1.0,), scale=2.0)
    assert steps.to_dict()["mean_value"] == [1.0]


UPSAMPLED = (
    'layer { name: "d" type: "DenseImageData" top: "data" top: "label" }'
    'layer { name: "p1" type: "Pooling" bottom: "data" top: "p1" top: "m1" '
    "pooling_param { kernel_size: 2 stride: 2 } }"
    'layer { name: "r" type: "ReLU" bottom: "p1" top: "p1" }'
    'layer { name: "p2" type: "Pooling" bottom: "p1" top: "p2" top: "m2" '
    "pooling_param { kernel_size: 2 stride: 2 } }"
    'layer { name: "u2" type: "Upsample" bottom: "p2" bottom: "m2" top: "u2" '
    "upsample_param { scale: 2 %s } }"
    'layer { name: "u1" type: "Upsample" bottom: "u2" bottom: "m1" top: "u1" '
    "upsample_param { scale: 2 } }"
)


SCALED = 'layer { name: "e" type: "Power" bottom: "data" top: "y" }'


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        # Cells before the second Pooling, of two cells of the image each.
        (UPSAMPLED % "upsample_h: 21 upsample_w: 16", (42, 32, 3)),
        (UPSAMPLED % "", (128, 96, 3)),
        (
            'layer { name: "d" type: "Data" top: "data" top: "label" }'
            'layer { name: "s" type: "Slice" bottom: "data" top: "a" top: "b" '
            "slice_param { slice_point: 1 } }",
            (112, 96, 2),
        ),
        # Real Caffe's programs set the shape of these.
        ('input: "data"' + SCALED, (112, 96, 3)),
        (
            'layer { name: "d" type: "Input" top: "data" }' + SCALED,
            (112, 96, 3),
        ),
    ],
)
def test_the_shape_that_is_advised_converts(text, shape, write):
    path = write(text)
    with pytest.raises(CaffeFormatError) as caught:
        to_keras(path)
    words = f"--input-shape data={'x'.join(map(str, shape))}"
    assert caught.value.advice == (words,) and words in str(caught.value)
    model = to_keras(path, input_shapes={"data": shape})
    assert model.input_shape == (None, *shape)
