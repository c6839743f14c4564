import numpy as np
import pytest

from keras_hypersphere.zoo.loading.onnx_constants import (
    OnnxFormatError,
    array_of,
    compute,
    dequantize,
    tensor_of,
)
from keras_hypersphere.zoo.loading.onnx_schema import TensorProto
from tests.zoo.loading.small_onnx import node


@pytest.mark.parametrize("dtype", ["f4", "i1", "u1", "i4", "i8"])
def test_tensors_round_trip(dtype):
    values = np.arange(6, dtype=dtype).reshape(2, 3)
    tensor = tensor_of("x", values)
    again = array_of(TensorProto.FromString(tensor.SerializeToString()))
    assert again.dtype == values.dtype
    np.testing.assert_array_equal(again, values)


@pytest.mark.parametrize(
    ("kind", "field"),
    [(1, "float_data"), (3, "int32_data"), (7, "int64_data")],
)
def test_numbers_that_are_not_raw(kind, field):
    tensor = TensorProto(dims=[3], data_type=kind, **{field: [1, -2, 3]})
    assert array_of(tensor).tolist() == [1, -2, 3]


def test_tensors_that_cannot_be_read():
    short = TensorProto(name="x", dims=[3], data_type=1, float_data=[1])
    with pytest.raises(OnnxFormatError, match=r"shape \(3,\) holds 1 numbers"):
        array_of(short)
    short = TensorProto(name="x", dims=[2], data_type=1, raw_data=b"12345")
    with pytest.raises(OnnxFormatError, match=r"holds 1\.25 numbers"):
        array_of(short)
    half = TensorProto(name="x", dims=[1], data_type=10, raw_data=b"12")
    with pytest.raises(OnnxFormatError, match="not float32, int8"):
        array_of(half)
    outside = TensorProto(name="x", dims=[1], data_type=1, raw_data=b"1234")
    outside.external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(OnnxFormatError, match="lies in another file"):
        array_of(outside)


def test_dequantize():
    q = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.int8)
    whole = dequantize(q, np.float32(0.5), np.int8(1))
    np.testing.assert_array_equal(whole, (q - 1.0) * 0.5)
    rows = dequantize(q, np.array([1, 2], "f4"), np.array([1, 2]), axis=0)
    np.testing.assert_array_equal(rows, [[0, 1, 2, 3], [6, 8, 10, 12]])
    scale = np.array([[1, 2], [3, 4]], "f4")
    blocks = dequantize(q, scale, block_size=2)
    np.testing.assert_array_equal(blocks, [[1, 2, 6, 8], [15, 18, 28, 32]])
    assert blocks.dtype == np.float32


def test_nodes_that_cannot_be_computed():
    q = np.zeros((2, 4), np.int8)
    wrong = node("DequantizeLinear", ["q", "s"], "y", block_size=2**50)
    with pytest.raises(OnnxFormatError, match=r"y_node' \(Deq.*not of 11258"):
        compute(wrong, [q, np.ones((2, 2), "f4")])
    with pytest.raises(OnnxFormatError, match=r"y_node' .*cannot be computed"):
        compute(node("Sub", ["a", "b"], "y"), [q, np.zeros(3)])
    with pytest.raises(OnnxFormatError, match=r"y_node' .*cannot be computed"):
        compute(node("Reshape", ["a", "b"], "y"), [q, np.array([3, 3])])
    with pytest.raises(OnnxFormatError, match="to the type 10"):
        compute(node("Cast", ["a"], "y", to=10), [q])
    with pytest.raises(OnnxFormatError, match=r"y_node' .*cannot be computed"):
        compute(node("Mul", ["a", "b"], "y", alpha=1.0), [q, q])
