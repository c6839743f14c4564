"""Small networks written as ONNX files."""

import numpy as np

from keras_hypersphere.zoo.loading.onnx_constants import FLOAT, tensor_of
from keras_hypersphere.zoo.loading.onnx_schema import ModelProto, NodeProto


def node(kind, inputs, output, **settings):
    made = NodeProto(
        op_type=kind, input=inputs, output=[output], name=f"{output}_node"
    )
    for name, value in settings.items():
        if isinstance(value, float):
            made.attribute.add(name=name, type=1, f=value)
        elif isinstance(value, int):
            made.attribute.add(name=name, type=2, i=value)
        else:
            made.attribute.add(name=name, type=7, ints=value)
    return made


def onnx_bytes(nodes, constants, shape):
    """A file whose input is `image` and whose output is the last node's."""
    model = ModelProto(ir_version=6)
    model.opset_import.add(version=11)
    graph = model.graph
    graph.name = "small"
    graph.node.extend(nodes)
    graph.initializer.extend(
        tensor_of(name, value) for name, value in constants.items()
    )
    for ends, name, sizes in (
        (graph.input, "image", shape),
        (graph.output, nodes[-1].output[0], (1, -1)),
    ):
        end = ends.add(name=name)
        end.type.tensor_type.elem_type = FLOAT
        for size in sizes:
            end.type.tensor_type.shape.dim.add(dim_value=size)
    return model.SerializeToString()


def numbers(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def statistics(seed, count):
    """gamma, beta, mean and variance."""
    mean, variance = numbers(seed, count), numbers(seed + 1, count) ** 2 + 1
    return [numbers(seed + 2, count), numbers(seed + 3, count), mean, variance]


def small_network():
    """Nodes and constants; the image is 3 x 8 x 6 before scaling."""
    constants = {
        "offset": np.array([127.5], np.float32),
        "scale": np.array([1 / 128], np.float32),
        "kernel": numbers(0, 4, 3, 3, 3),
        "bias": numbers(1, 4),
        "slope": numbers(2, 4, 1, 1),
        "each": numbers(3, 4, 1, 3, 3),
        "dense": numbers(4, 5, 4 * 4 * 3),
        "dense_bias": numbers(5, 5),
    }
    for name, count in (("first", 4), ("last", 5)):
        for part, values in zip(
            "gbmv", statistics(len(name), count), strict=True
        ):
            constants[f"{name}_{part}"] = values
    pads = [1, 1, 1, 1]
    first = [f"first_{part}" for part in "gbmv"]
    last = [f"last_{part}" for part in "gbmv"]
    nodes = [
        node("Sub", ["image", "offset"], "centered"),
        node("Mul", ["centered", "scale"], "scaled"),
        node(
            "Conv",
            ["scaled", "kernel", "bias"],
            "conv",
            kernel_shape=[3, 3],
            pads=pads,
            strides=[2, 2],
        ),
        node("BatchNormalization", ["conv", *first], "bn", epsilon=1e-3),
        node("PRelu", ["bn", "slope"], "prelu"),
        node(
            "Conv",
            ["prelu", "each"],
            "depthwise",
            kernel_shape=[3, 3],
            pads=pads,
            group=4,
        ),
        node("Flatten", ["depthwise"], "flat"),
        node("Gemm", ["flat", "dense", "dense_bias"], "gemm", transB=1),
        node("BatchNormalization", ["gemm", *last], "out", epsilon=2e-5),
    ]
    return nodes, constants
