"""The constants of an ONNX graph, computed with NumPy.

Weights stored as int8 are `(quantized - zero_point) * scale`, written with
`Cast`, `Sub`, `Mul` and `Reshape`, or as `DequantizeLinear`.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from keras_hypersphere.zoo.loading.onnx_schema import NodeProto, TensorProto

# TensorProto.DataType → NumPy's type, and where numbers lie that are not raw.
FLOAT, INT8, INT64 = 1, 3, 7
TYPES: Mapping[int, tuple[np.dtype, str]] = {
    FLOAT: (np.dtype("<f4"), "float_data"),
    2: (np.dtype("u1"), "int32_data"),
    INT8: (np.dtype("i1"), "int32_data"),
    6: (np.dtype("<i4"), "int32_data"),
    INT64: (np.dtype("<i8"), "int64_data"),
}


class OnnxFormatError(ValueError):
    """An ONNX file is damaged, or holds what is not read here."""


def array_of(tensor: TensorProto) -> np.ndarray:
    """The numbers of a tensor.

    Raises:
        OnnxFormatError: If it has another type, or another number of them.
    """
    if tensor.data_type not in TYPES or tensor.external_data:
        raise OnnxFormatError(
            f"the tensor {tensor.name!r} lies in another file, or is not "
            "float32, int8, uint8, int32 or int64"
        )
    dtype, field = TYPES[tensor.data_type]
    count = math.prod(tensor.dims)
    held = (
        len(tensor.raw_data) / dtype.itemsize
        if tensor.HasField("raw_data")
        else len(getattr(tensor, field))
    )
    if held != count:
        raise OnnxFormatError(
            f"the tensor {tensor.name!r} of the shape {tuple(tensor.dims)} "
            f"holds {held:g} numbers"
        )
    if tensor.HasField("raw_data"):
        values = np.frombuffer(tensor.raw_data, dtype)
    else:
        values = np.array(getattr(tensor, field), dtype)
    return values.reshape(tuple(tensor.dims))


def tensor_of(name: str, values: np.ndarray) -> TensorProto:
    """A tensor that holds numbers as they are."""
    kind = next(k for k, (dtype, _) in TYPES.items() if dtype == values.dtype)
    return TensorProto(
        name=name,
        dims=values.shape,
        data_type=kind,
        raw_data=np.ascontiguousarray(values).tobytes(),
    )


def attributes(node: NodeProto) -> dict:
    """The attributes of a node that are numbers or lists of them."""
    kinds = {1: "f", 2: "i", 6: "floats", 7: "ints"}
    return {
        item.name: getattr(item, kinds[item.type])
        for item in node.attribute
        if item.type in kinds
    }


def dequantize(
    quantized: np.ndarray,
    scale: np.ndarray,
    zero_point: "np.ndarray | int" = 0,
    axis: int = 1,
    block_size: int = 0,
) -> np.ndarray:
    """`DequantizeLinear` in float32: of blocks, of an axis, or of all."""
    scale = np.asarray(scale, np.float32)
    zero = np.broadcast_to(np.asarray(zero_point, np.float32), scale.shape)
    if block_size:
        if scale.shape[axis] * block_size != quantized.shape[axis]:
            raise ValueError(f"its blocks are not of {block_size} numbers")
        scale, zero = (np.repeat(x, block_size, axis) for x in (scale, zero))
    elif scale.ndim == 1 and quantized.ndim:
        shape = [1] * quantized.ndim
        shape[axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return (quantized.astype(np.float32) - zero) * scale


def cast(values: np.ndarray, to: int) -> np.ndarray:
    """`Cast`."""
    if to not in TYPES:
        raise OnnxFormatError(f"casts a constant to the type {to}")
    return values.astype(TYPES[to][0])


# What a constant may be made by.
OPERATIONS: Mapping[str, Callable[..., np.ndarray]] = {
    "Cast": cast,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Reshape": lambda values, shape: values.reshape(shape),
    "Identity": lambda values: values,
    "DequantizeLinear": dequantize,
}


def compute(node: NodeProto, inputs: list[np.ndarray]) -> np.ndarray:
    """The output of a node whose inputs are constants.

    Raises:
        OnnxFormatError: If they do not fit it.
    """
    try:
        return OPERATIONS[node.op_type](*inputs, **attributes(node))
    except OnnxFormatError:
        raise
    except (TypeError, ValueError, IndexError, MemoryError) as error:
        raise OnnxFormatError(
            f"the node {node.name or node.output[0]!r} ({node.op_type}) "
            f"cannot be computed: {error}"
        ) from None
