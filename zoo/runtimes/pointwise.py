"""Convolutions of 1 x 1 as matrix products, where OpenCV's are slow.

OpenCV 4.13 and 4.14 compute a convolution at two thirds of the speed of 4.12
and matrix products at the old one (wheels for x86-64). A convolution of 1 x 1
is a product: weights (outputs, inputs) times pixels (inputs, height * width).
"""

from pathlib import Path

import numpy as np

from keras_hypersphere.zoo.loading.onnx_constants import attributes, tensor_of
from keras_hypersphere.zoo.loading.onnx_schema import ModelProto, NodeProto

# Layers that leave height and width as they are.
KEEP_SIZE = ("BatchNormalization", "PRelu", "Relu")
# And with a single number.
ARITHMETIC = ("Add", "Sub", "Mul", "Div")

Size = tuple[int, int]


def with_products(path: Path) -> bytes:
    """An ONNX file with products in the place of convolutions.

    Convolutions with a bias, and those whose size is not known here, stay.
    """
    model = ModelProto.FromString(path.read_bytes())
    graph = model.graph
    sizes: dict[str, Size] = {}
    for image in graph.input:
        dims = [dim.dim_value for dim in image.type.tensor_type.shape.dim]
        if len(dims) == 4 and all(dims[2:]):
            sizes[image.name] = (dims[2], dims[3])
    single = {t.name for t in graph.initializer if set(t.dims) <= {1}}
    nodes = []
    for node in graph.node:
        size = size_after(node, sizes, single)
        if size is not None:
            sizes[node.output[0]] = size
        if size is None or not is_pointwise(node):
            nodes.append(node)
            continue
        made, shapes = product(node, size)
        nodes += made
        graph.initializer.extend(
            tensor_of(name, np.array(shape, np.int64))
            for name, shape in shapes.items()
        )
    del graph.node[:]
    graph.node.extend(nodes)
    return model.SerializeToString()


def size_after(
    node: NodeProto, sizes: dict[str, Size], single: set[str]
) -> Size | None:
    """Height and width of what a node makes; None if not known."""
    size = sizes.get(node.input[0]) if node.input else None
    if size is None or node.op_type in KEEP_SIZE:
        return size
    if node.op_type in ARITHMETIC:
        return size if node.input[1] in single else None
    held = attributes(node)
    if node.op_type != "Conv" or "auto_pad" in {a.name for a in node.attribute}:
        return None
    kernel = held.get("kernel_shape")
    if not kernel:
        return None
    pads = held.get("pads", (0, 0, 0, 0))
    strides = held.get("strides", (1, 1))
    dilations = held.get("dilations", (1, 1))
    height, width = (
        (size[i] + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1)
        // strides[i]
        + 1
        for i in (0, 1)
    )
    return height, width


def is_pointwise(node: NodeProto) -> bool:
    """Whether a node is a convolution of 1 x 1 that a product replaces."""
    if node.op_type != "Conv" or len(node.input) != 2:
        return False
    held = attributes(node)
    return (
        list(held["kernel_shape"]) == [1, 1]
        and held.get("group", 1) == 1
        and not any(held.get("pads", ()))
        and set(held.get("strides", ())) <= {1}
    )


def product(
    node: NodeProto, size: Size
) -> tuple[list[NodeProto], dict[str, list[int]]]:
    """The nodes of a product, and the shapes they need, by name.

    In a shape, 0 is the size that was there, and -1 all the rest.
    """
    pixels, weights = node.input
    [output] = node.output
    matrix, rows, sums = (
        f"{output}/{name}" for name in ("weights", "pixels", "product")
    )
    shapes = {
        f"{matrix}/shape": [0, -1],
        f"{rows}/shape": [0, 0, -1],
        f"{sums}/shape": [0, 0, *size],
    }
    steps = [
        ("Reshape", [weights, f"{matrix}/shape"], matrix),
        ("Reshape", [pixels, f"{rows}/shape"], rows),
        ("MatMul", [matrix, rows], sums),
        ("Reshape", [sums, f"{sums}/shape"], output),
    ]
    nodes = [
        NodeProto(op_type=kind, name=made, input=inputs, output=[made])
        for kind, inputs, made in steps
    ]
    return nodes, shapes
