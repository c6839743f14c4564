"""What makes the files; the published form is written here in small."""

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo.loading.onnx_constants import array_of
from keras_hypersphere.zoo.loading.onnx_file import layers_of
from keras_hypersphere.zoo.loading.onnx_schema import ModelProto
from keras_hypersphere.zoo.loading.weight_files import PACKAGED
from tests.weights.sface.make_files import make_sface, make_yunet
from tests.zoo.loading.small_onnx import node, numbers, onnx_bytes


def int8(seed, *shape):
    generator = np.random.default_rng(seed)
    return generator.integers(-128, 128, shape, np.int8)


def published():
    """A convolution and a dense layer, int8 in blocks, as OpenCV Zoo has it.

    Returns:
        The file, and the float weights that it means.
    """
    constants = {
        "k_quantized": int8(0, 4, 27),
        "k_scales": numbers(1, 4, 1) / 500,
        "k_zero_point": int8(2, 4, 1),
        "k_shape": np.array([4, 3, 3, 3]),
        "w_quantized": int8(3, 8, 64),
        "w_scales": numbers(4, 8, 4) / 500,
        "w_zero_point": int8(5, 8, 4),
        "b_quantized": int8(6, 8),
        "b_scales": numbers(7, 2) / 100,
        "b_zero_point": int8(8, 2),
        "stale": numbers(9, 3),
    }

    def whole(name, size):
        q, s, z = (
            constants[f"{name}_{part}"]
            for part in ("quantized", "scales", "zero_point")
        )
        s, z = (np.repeat(x, size, -1) for x in (s, z.astype("f4")))
        return (q - z) * s

    parts = ("quantized", "scales", "zero_point")
    nodes = [
        node(
            "DequantizeLinear",
            [f"{name}_{part}" for part in parts],
            f"{name}_dequantized",
            axis=axis,
            block_size=size,
        )
        for name, axis, size in (("b", 0, 4), ("w", 1, 16), ("k", 1, 27))
    ]
    nodes += [
        node("Reshape", ["k_dequantized", "k_shape"], "k_reshaped"),
        node("Conv", ["image", "k_reshaped"], "conv", kernel_shape=[3, 3]),
        node("Dropout", ["conv"], "dropped"),
        node("Flatten", ["dropped"], "flat"),
        node("Gemm", ["flat", "w_dequantized", "b_dequantized"], "y", transB=1),
    ]
    model = ModelProto.FromString(onnx_bytes(nodes, constants, (1, 3, 6, 6)))
    model.opset_import[0].version = 21
    stale = model.graph.input.add(name="stale")
    stale.type.CopyFrom(model.graph.input[0].type)
    model.graph.value_info.add(name="conv")
    return (
        model.SerializeToString(),
        whole("k", 27).reshape(4, 3, 3, 3),
        whole("w", 16),
        whole("b", 4),
    )


def expected(images, kernel, dense, bias):
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), (2, 3))
    maps = np.einsum("bchwij,ocij->bohw", windows, kernel)
    return maps.reshape(len(images), -1) @ dense.T + bias


@pytest.mark.parametrize("make", [make_sface, make_yunet])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_outputs_are_those_of_the_published_numbers(make, count):
    data, *weights = published()
    images = numbers(10, count, 3, 6, 6)
    made = np.frombuffer(make(data), np.uint8)
    network = cv2.dnn.readNetFromONNX(made)
    network.setInput(images)
    y = expected(images, *weights)
    assert np.abs(y).max() > 1
    np.testing.assert_allclose(network.forward(), y, rtol=1e-4, atol=1e-4)


def test_sface_keeps_the_int8_numbers():
    data, kernel, dense, bias = published()
    model = ModelProto.FromString(make_sface(data))
    graph = model.graph
    held = {tensor.name: array_of(tensor) for tensor in graph.initializer}
    np.testing.assert_array_equal(
        held["w_quantized"].reshape(8, 64), int8(3, 8, 64)
    )
    assert held["w_quantized"].shape == (8, 4, 16)
    # A bias that is computed is read wrongly by OpenCV 4.14.
    np.testing.assert_array_equal(held["b_dequantized"], bias)
    assert [x.name for x in graph.input] == ["image"]
    for end in (graph.input[0], graph.output[0]):
        assert end.type.tensor_type.shape.dim[0].dim_param == "batch"
    kinds = {n.op_type for n in graph.node}
    assert not kinds & {"DequantizeLinear", "Dropout"}
    assert "stale" not in held and not graph.value_info
    assert model.opset_import[0].version == 11
    found = layers_of(model)
    np.testing.assert_array_equal(found[0].weights[0], kernel)
    np.testing.assert_array_equal(found[1].weights[0], dense)


def test_yunet_becomes_float32():
    data, kernel, _, _ = published()
    graph = ModelProto.FromString(make_yunet(data)).graph
    held = {tensor.name: array_of(tensor) for tensor in graph.initializer}
    assert {x.dtype.name for x in held.values()} == {"float32"}
    np.testing.assert_array_equal(held["k_reshaped"], kernel)
    assert [n.op_type for n in graph.node] == [
        "Conv",
        "Dropout",
        "Flatten",
        "Gemm",
    ]


@pytest.mark.parametrize("make", [make_sface, make_yunet])
def test_the_same_source_gives_the_same_bytes(make):
    assert make(published()[0]) == make(published()[0])


@pytest.mark.parametrize("file", ["sface.onnx", "yunet.onnx"])
def test_the_files_of_the_package_are_of_this_form(file):
    data = (PACKAGED / file).read_bytes()
    model = ModelProto.FromString(data)
    assert model.SerializeToString(deterministic=True) == data
    graph = model.graph
    assert len(graph.input) == 1 and not graph.value_info
    assert model.opset_import[0].version == 11
    used = {name for n in graph.node for name in n.input}
    assert {tensor.name for tensor in graph.initializer} <= used
    assert "DequantizeLinear" not in {n.op_type for n in graph.node}
