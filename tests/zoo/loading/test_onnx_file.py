"""OpenCV's ONNX reader is the witness: it shares nothing with ours."""

import cv2
import keras
import numpy as np
import pytest
from keras import layers

from keras_hypersphere import zoo
from keras_hypersphere.zoo.loading.onnx_constants import OnnxFormatError
from keras_hypersphere.zoo.loading.onnx_file import read_layers
from keras_hypersphere.zoo.loading.onnx_schema import ModelProto
from keras_hypersphere.zoo.loading.weights import load_weights
from tests.zoo.loading.small_onnx import node, onnx_bytes, small_network

SHAPE = (1, 3, 8, 6)


def model_of(permuted=False, strides=2, epsilon=1e-3, units=5, slopes=True):
    """The network of `small_network` in Keras, of a scaled image."""
    x = inputs = keras.Input((8, 6, 3))
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(4, 3, strides=strides, name="conv")(x)
    x = layers.BatchNormalization(epsilon=epsilon, name="bn")(x)
    if slopes:
        x = layers.PReLU(shared_axes=[1, 2], name="prelu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    if permuted:
        x = layers.Permute((3, 1, 2))(x)
    x = layers.Dense(units, name="dense")(layers.Flatten()(x))
    x = layers.BatchNormalization(epsilon=2e-5)(x)
    return keras.Model(inputs, x, name="small")


def write(path, change=None):
    nodes, constants = small_network()
    if change:
        nodes = change(nodes, constants) or nodes
    path.write_bytes(onnx_bytes(nodes, constants, SHAPE))
    return path


@pytest.mark.parametrize("permuted", [False, True])
def test_outputs_are_opencvs(tmp_path, permuted):
    path = write(tmp_path / "small.onnx")
    model = model_of(permuted)
    load_weights(model, path)
    image = np.random.default_rng(9).uniform(0, 255, SHAPE).astype(np.float32)
    network = cv2.dnn.readNetFromONNX(str(path))
    network.setInput(image)
    expected = network.forward()
    scaled = (image.transpose(0, 2, 3, 1) - 127.5) / 128
    found = model.predict(scaled, verbose=0)
    assert np.abs(expected).max() > 1
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_a_sequential_model_has_the_same_layers(tmp_path):
    path = write(tmp_path / "small.onnx")
    first = model_of()
    copies = [type(x).from_config(x.get_config()) for x in first.layers[1:]]
    second = keras.Sequential([keras.Input((8, 6, 3)), *copies])
    for model in (first, second):
        load_weights(model, path)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def quantized(nodes, constants):
    """The dense kernel as int8 in blocks of 8, in operations of opset 11."""
    steps = np.arange(5 * 6 * 8).reshape(5, 6, 8) % 255 - 127
    constants["q"] = steps.astype(np.int8)
    constants["z"] = (np.arange(30).reshape(5, 6, 1) - 9).astype(np.int8)
    constants["s"] = np.linspace(0.01, 0.1, 30, dtype="f4").reshape(5, 6, 1)
    constants["shape"] = np.array([5, 48])
    del constants["dense"]
    return [
        node("Cast", ["q"], "q_float", to=1),
        node("Cast", ["z"], "z_float", to=1),
        node("Sub", ["q_float", "z_float"], "c"),
        node("Mul", ["c", "s"], "w"),
        node("Reshape", ["w", "shape"], "dense"),
        *nodes,
    ]


def dequantized(nodes, constants):
    """The same as `DequantizeLinear`."""
    quantized(nodes, constants)
    del constants["shape"]
    for key in "qzs":
        constants[key] = constants[key].reshape(5, -1)
    return [
        node("DequantizeLinear", ["q", "s", "z"], "dense", block_size=8),
        *nodes,
    ]


@pytest.mark.parametrize("change", [quantized, dequantized])
def test_int8_in_blocks(tmp_path, change):
    path = write(tmp_path / "small.onnx", change)
    held = read_layers(path)
    assert [layer.kind for layer in held] == [
        "Conv",
        "BatchNormalization",
        "PRelu",
        "Conv",
        "Gemm",
        "BatchNormalization",
    ]
    found = held[4].weights[0]
    q = np.arange(240).reshape(5, 6, 8) % 255 - 127.0
    z = np.arange(30).reshape(5, 6, 1) - 9.0
    expected = (q - z) * np.linspace(0.01, 0.1, 30).reshape(5, 6, 1)
    np.testing.assert_allclose(found, expected.reshape(5, 48), rtol=1e-6)


def first_conv_last(nodes, constants):
    nodes[2], nodes[3] = nodes[3], nodes[2]


def without_a_layer(nodes, constants):
    nodes[5].input[0] = "bn"
    del nodes[4]


def with_scale(nodes, constants):
    constants["more"] = np.ones((1, 5), np.float32)
    nodes.append(node("Mul", ["out", "more"], "end"))


def scaled_gemm(nodes, constants):
    nodes[7].attribute.add(name="alpha", type=1, f=0.5)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (None, {"strides": 1, "units": 5}, r"strides = \[2, 2\]"),
        (None, {"epsilon": 1e-5}, r"epsilon = 0\.001.*, 1e-05 was expected"),
        (None, {"units": 6}, r"gemm_node has weights of the shapes"),
        (None, {"slopes": False}, "it has 6 layers with weights, 5 were"),
        (without_a_layer, {}, "it has 5 layers with weights, 6 were"),
        (first_conv_last, {}, "bn_node has the type BatchNormalization, Conv"),
        (with_scale, {}, "it has 7 layers"),
        (scaled_gemm, {}, r"alpha = 0\.5, 1\.0 was expected \(dense\)"),
    ],
)
def test_other_networks(tmp_path, change, arguments, message):
    path = write(tmp_path / "small.onnx", change)
    model = model_of(**arguments)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message) as error:
        load_weights(model, path)
    text = str(error.value)
    assert text.startswith(f"'{path}' does not hold the weights of small: ")
    assert "\n" not in text
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_shape_of_as_many_numbers(tmp_path):
    def turned(nodes, constants):
        constants["dense"] = constants["dense"].reshape(48, 5)

    path = write(tmp_path / "small.onnx", turned)
    with pytest.raises(ValueError, match=r"dense/kernel has the shape \(5, 48"):
        load_weights(model_of(), path)


def test_branches_have_no_order(tmp_path):
    def branch(nodes, constants):
        nodes.append(node("Add", ["out", "gemm"], "sum"))

    path = write(tmp_path / "small.onnx", branch)
    with pytest.raises(OnnxFormatError, match=r"sum_node \(Add\) joins two"):
        load_weights(model_of(), path)
    path = write(tmp_path / "small.onnx")
    with pytest.raises(ValueError, match="without branches only"):
        zoo.MobileFaceNet(weights=path, width=1 / 32)


def test_files_that_are_damaged_or_others(tmp_path):
    path = write(tmp_path / "small.onnx")
    data = path.read_bytes()
    path.write_bytes(data[:-40])
    with pytest.raises(OnnxFormatError, match="not an ONNX file, or is dam"):
        read_layers(path)
    path.write_bytes(b"\x08\x06")
    with pytest.raises(OnnxFormatError, match="no layer has weights"):
        read_layers(path)
    path.write_bytes(b"{}")
    with pytest.raises(OnnxFormatError, match="not an ONNX file"):
        read_layers(path)
    with pytest.raises(FileNotFoundError, match=r"no weights file '.*nope"):
        load_weights(model_of(), tmp_path / "nope.onnx")


def test_any_damage_is_an_error_of_one_line(tmp_path):
    """No byte of the structure leads to anything but our errors."""
    data = write(tmp_path / "small.onnx").read_bytes()
    model = ModelProto.FromString(data)
    for tensor in model.graph.initializer:
        tensor.raw_data = tensor.raw_data[:4]
        del tensor.dims[:]
    light = bytearray(model.SerializeToString())
    path = tmp_path / "damaged.onnx"
    refused = 0
    for place in range(len(light)):
        damaged = bytearray(light)
        damaged[place] ^= 0x5A
        path.write_bytes(damaged)
        try:
            read_layers(path)
        except OnnxFormatError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100
