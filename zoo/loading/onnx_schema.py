"""ONNX's messages as protobuf classes: as much as networks of faces need.

`caffe_format/message_table.py` says how to read the table. What it leaves out
stays in a message as unknown fields. The package is not `onnx`, so that the
process may load ONNX's own classes too.
"""

from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from keras_hypersphere.caffe_format.message_table import (
    message_classes,
    message_pool,
)

PACKAGE = "keras_hypersphere.onnx"
TABLE = """
ModelProto: ir_version 1 int64, producer_name 2 string,
    producer_version 3 string, graph 7 GraphProto,
    opset_import 8 OperatorSetIdProto*
OperatorSetIdProto: domain 1 string, version 2 int64
GraphProto: node 1 NodeProto*, name 2 string, initializer 5 TensorProto*,
    input 11 ValueInfoProto*, output 12 ValueInfoProto*,
    value_info 13 ValueInfoProto*
NodeProto: input 1 string*, output 2 string*, name 3 string,
    op_type 4 string, attribute 5 AttributeProto*, domain 7 string
AttributeProto: name 1 string, f 2 float, i 3 int64, s 4 bytes,
    t 5 TensorProto, floats 7 float*, ints 8 int64*, type 20 int32
TensorProto: dims 1 int64*, data_type 2 int32, float_data 4 float**,
    int32_data 5 int32**, int64_data 7 int64**, name 8 string,
    raw_data 9 bytes, external_data 13 StringStringEntryProto*
StringStringEntryProto: key 1 string, value 2 string
ValueInfoProto: name 1 string, type 2 TypeProto
TypeProto: tensor_type 1 TensorTypeProto
TensorTypeProto: elem_type 1 int32, shape 2 TensorShapeProto
TensorShapeProto: dim 1 DimensionProto*
DimensionProto: dim_value 1 int64, dim_param 2 string
"""

if TYPE_CHECKING:

    class OnnxMessage(Message):
        def __getattr__(self, name: str) -> Any: ...

    class ModelProto(OnnxMessage): ...

    class NodeProto(OnnxMessage): ...

    class TensorProto(OnnxMessage): ...
else:
    CLASSES = message_classes(
        message_pool([TABLE], PACKAGE),
        PACKAGE,
        ("ModelProto", "NodeProto", "TensorProto"),
    )
    ModelProto = CLASSES["ModelProto"]
    NodeProto = CLASSES["NodeProto"]
    TensorProto = CLASSES["TensorProto"]
