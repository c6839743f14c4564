"""1 x 1 convolutions as products: the same numbers by OpenCV."""

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo.loading.onnx_schema import ModelProto
from keras_hypersphere.zoo.loading.weight_files import PACKAGED
from keras_hypersphere.zoo.runtimes import opencv_engine
from keras_hypersphere.zoo.runtimes.pointwise import with_products
from tests.zoo.loading.small_onnx import node, numbers, onnx_bytes

SFACE = PACKAGED / "sface.onnx"
# The engine reads the file as it is with these.
needs_products = pytest.mark.skipif(
    cv2.__version__.startswith(("4.8.", "4.9.")),
    reason="OpenCV multiplies no matrix by a batch before 4.10",
)


def kinds(data):
    return [n.op_type for n in ModelProto.FromString(data).graph.node]


def run(data, x):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    net.setInput(x)
    return net.forward()


@needs_products
def test_sface_computes_the_same_in_products():
    made = with_products(SFACE)
    assert kinds(made).count("MatMul") == 13
    x = numbers(0, 2, 3, 112, 112) * 50 + 128
    expected = run(SFACE.read_bytes(), x)
    np.testing.assert_allclose(
        run(made, x), expected, atol=1e-5 * np.abs(expected).max()
    )


def two_layers(tmp_path, first, second, inputs=("first", "w"), between="PRelu"):
    """A convolution, a layer between, and one that may be a product."""
    constants = {
        "k": numbers(0, 4, 3, 3, 2),
        "w": numbers(1, 5, 4, 1, 1),
        "b": numbers(2, 5),
        "slope": numbers(3, 4, 1, 1),
    }
    middle = ["image_out", "slope"] if between == "PRelu" else ["image_out"]
    nodes = [
        node("Conv", ["image", "k"], "image_out", **first),
        node(between, middle, "first"),
        node("Conv", list(inputs), "second", **second),
    ]
    path = tmp_path / "network.onnx"
    path.write_bytes(onnx_bytes(nodes, constants, (1, 3, 11, 8)))
    return path


POINT = {"kernel_shape": (1, 1)}
FIRST = {"kernel_shape": (3, 2)}


@needs_products
@pytest.mark.parametrize(
    "first",
    [
        FIRST,
        {**FIRST, "pads": (1, 0, 2, 1)},
        {**FIRST, "strides": (2, 3)},
        {**FIRST, "dilations": (2, 1), "pads": (0, 1, 1, 0)},
    ],
)
def test_the_size_is_known_behind_any_convolution(first, tmp_path):
    path = two_layers(tmp_path, first, POINT)
    made = with_products(path)
    assert kinds(made).count("MatMul") == 1
    x = numbers(4, 1, 3, 11, 8)
    expected = run(path.read_bytes(), x)
    assert run(made, x).shape == expected.shape
    np.testing.assert_allclose(run(made, x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "case",
    [
        {"second": {**POINT, "strides": (2, 2)}},
        {"second": {**POINT, "pads": (1, 1, 1, 1)}},
        {"second": POINT, "inputs": ("first", "w", "b")},
        {"second": POINT, "between": "GlobalAveragePool"},
        {"second": {}},
    ],
)
def test_other_convolutions_stay(case, tmp_path):
    path = two_layers(tmp_path, FIRST, **case)
    assert kinds(with_products(path)) == kinds(path.read_bytes())


@needs_products
def test_the_engine_takes_products_where_convolutions_are_slow(monkeypatch):
    def types(version):
        monkeypatch.setattr(cv2, "__version__", version)
        net = opencv_engine.read_net(SFACE)
        return {
            net.getLayer(net.getLayerId(name)).type
            for name in net.getLayerNames()
        }

    monkeypatch.setattr(opencv_engine.platform, "machine", lambda: "x86_64")
    products = {"MatMul", "InnerProduct"}
    assert types("4.14.0") & products and not types("4.12.0") & products
    monkeypatch.setattr(opencv_engine.platform, "machine", lambda: "aarch64")
    assert not types("4.14.0") & products
