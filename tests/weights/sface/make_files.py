"""Turns the published int8 networks into files that every engine reads.

Published are blocks of int8 with `DequantizeLinear` of opset 21, which many
engines refuse or get wrong. SFace keeps its int8 numbers, with operations of
opset 11 that every engine computes once, when it loads the file; only the
bias, 128 numbers, becomes float32. YuNet is small: all its numbers do.
"""

from collections.abc import Iterable

import numpy as np

from keras_hypersphere.zoo.loading.onnx_constants import (
    FLOAT,
    OPERATIONS,
    array_of,
    attributes,
    compute,
    tensor_of,
)
from keras_hypersphere.zoo.loading.onnx_schema import (
    ModelProto,
    NodeProto,
    TensorProto,
)

OPSET = 11
Tensors = dict[str, TensorProto]


def make_sface(data: bytes) -> bytes:
    """SFace with its int8 blocks as constants of opset 11, for any batch.

    Args:
        data: The published file.

    Returns:
        Our file. Its input `data` is (batch, 3, 112, 112), RGB of 0 to 255;
        its output `fc1` is (batch, 128).
    """
    model = ModelProto.FromString(data)
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    reshapes = {n.input[0]: n for n in graph.node if n.op_type == "Reshape"}
    nodes: list[NodeProto] = []
    renamed: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "DequantizeLinear":
            if len(tensors[node.input[0]].dims) == 1:
                # OpenCV 4.14 adds a bias that is computed to the first row of
                # a batch only, and what lies behind it to the others.
                fold(node, tensors)
            else:
                nodes += blocks(node, reshapes.get(node.output[0]), tensors)
        elif node.op_type == "Dropout":
            renamed[node.output[0]] = node.input[0]
        elif node.op_type not in ("Constant", "Reshape"):
            names = [renamed.get(name, name) for name in node.input]
            node.ClearField("input")
            node.input.extend(names)
            nodes.append(node)
    # The published file lists weights among its inputs.
    del graph.input[1:]
    for end in (graph.input[0], graph.output[0]):
        batch = end.type.tensor_type.shape.dim[0]
        batch.ClearField("dim_value")
        batch.dim_param = "batch"
    return written(model, nodes, tensors)


def make_yunet(data: bytes) -> bytes:
    """YuNet in float32.

    Args:
        data: The published file.

    Returns:
        Our file, with the input and the outputs of the published one.
    """
    model = ModelProto.FromString(data)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type in OPERATIONS and tensors.keys() >= set(node.input):
            fold(node, tensors)
        else:
            nodes.append(node)
    return written(model, nodes, tensors)


def fold(node: NodeProto, tensors: Tensors) -> None:
    """Makes the output of a node of constants an initializer."""
    held = [array_of(tensors[name]) for name in node.input]
    name = node.output[0]
    tensors[name] = tensor_of(name, compute(node, held))


def blocks(
    node: NodeProto, reshape: "NodeProto | None", tensors: Tensors
) -> list[NodeProto]:
    """`DequantizeLinear` of blocks, in operations of opset 11.

    The last axis of the int8 numbers becomes two, blocks and the numbers of
    a block, so that a scale and a zero point a block spread over them.

    Args:
        node: The node; its blocks are along the last axis.
        reshape: The node that gives its output the shape of the weight;
            None if it has it.
        tensors: Initializers by name. Those of the node get the axes.

    Returns:
        The nodes; the last has the output of `reshape`, or of `node`.
    """
    quantized, scale, zero = node.input
    name = quantized.removesuffix("_quantized")
    shape = f"{name}_shape"
    if reshape is None:
        sides = np.array(tensors[quantized].dims, "<i8")
        tensors[shape] = tensor_of(shape, sides)
    each = tuple(tensors[scale].dims)
    size = attributes(node)["block_size"]
    for key, count in ((quantized, size), (scale, 1), (zero, 1)):
        values = array_of(tensors[key]).reshape(*each, count)
        tensors[key] = tensor_of(key, values)
    steps = (
        ("Cast", [quantized], f"{name}_float"),
        ("Cast", [zero], f"{zero}_float"),
        ("Sub", [f"{name}_float", f"{zero}_float"], f"{name}_centered"),
        ("Mul", [f"{name}_centered", scale], f"{name}_scaled"),
        ("Reshape", [f"{name}_scaled", shape], (reshape or node).output[0]),
    )
    made = [
        NodeProto(op_type=kind, input=inputs, output=[output], name=output)
        for kind, inputs, output in steps
    ]
    for one in made[:2]:
        one.attribute.add(name="to", i=FLOAT, type=2)
    return made


def written(
    model: ModelProto, nodes: Iterable[NodeProto], tensors: Tensors
) -> bytes:
    """A model of other nodes, with the initializers that they use."""
    graph = model.graph
    graph.ClearField("node")
    graph.node.extend(nodes)
    used = {name for node in graph.node for name in node.input}
    graph.ClearField("initializer")
    graph.initializer.extend(
        tensor for name, tensor in tensors.items() if name in used
    )
    graph.ClearField("value_info")
    model.opset_import[0].version = OPSET
    return model.SerializeToString(deterministic=True)
