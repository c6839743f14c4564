"""ONNX's messages as protobuf classes: as much as networks of faces need.

`onnx.proto` has the messages; `make schema` compiles it to `onnx.binpb`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from keras_hypersphere.protobuf_classes import (
    load_pool,
    message_classes,
)

PACKAGE = "keras_hypersphere.onnx"
if TYPE_CHECKING:

    class OnnxMessage(Message):
        def __getattr__(self, name: str) -> Any: ...

    class ModelProto(OnnxMessage): ...

    class NodeProto(OnnxMessage): ...

    class TensorProto(OnnxMessage): ...
else:
    CLASSES = message_classes(
        load_pool(Path(__file__).with_name("onnx.binpb")),
        PACKAGE,
        ("ModelProto", "NodeProto", "TensorProto"),
    )
    ModelProto = CLASSES["ModelProto"]
    NodeProto = CLASSES["NodeProto"]
    TensorProto = CLASSES["TensorProto"]
