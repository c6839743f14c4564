"""Caffe's messages as protobuf classes, under a package name of our own.

`caffe.proto` has the messages; `make schema` compiles it to `caffe.binpb`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from keras_hypersphere.protobuf_classes import (
    load_pool,
    message_classes,
)

PACKAGE = "keras_hypersphere.caffe"

FILE = "caffe.proto"

POOL = load_pool(Path(__file__).with_name("caffe.binpb"))
if TYPE_CHECKING:
    # Type checkers do not run the tables: a message of each kind is a type,
    # and what it holds is Any.
    class CaffeMessage(Message):
        def __getattr__(self, name: str) -> Any: ...

    class BlobProto(CaffeMessage): ...

    class FillerParameter(CaffeMessage): ...

    class LayerParameter(CaffeMessage): ...

    class NetParameter(CaffeMessage): ...

    class PackedBlob(CaffeMessage): ...

    class SolverParameter(CaffeMessage): ...

    class V0LayerParameter(CaffeMessage): ...

    class V1LayerParameter(CaffeMessage): ...
else:
    CLASSES = message_classes(
        POOL,
        PACKAGE,
        (
            "BlobProto",
            "FillerParameter",
            "LayerParameter",
            "NetParameter",
            "PackedBlob",
            "SolverParameter",
            "V0LayerParameter",
            "V1LayerParameter",
        ),
    )
    BlobProto = CLASSES["BlobProto"]
    FillerParameter = CLASSES["FillerParameter"]
    LayerParameter = CLASSES["LayerParameter"]
    NetParameter = CLASSES["NetParameter"]
    PackedBlob = CLASSES["PackedBlob"]
    SolverParameter = CLASSES["SolverParameter"]
    V0LayerParameter = CLASSES["V0LayerParameter"]
    V1LayerParameter = CLASSES["V1LayerParameter"]
