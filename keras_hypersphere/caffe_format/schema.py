"""Caffe's messages as protobuf classes, under a package name of our own.

`message_table.py` says how to read the tables. The fields of forks have no
official number (see `tables/forks.py`) and get one from 20000 upwards, where
no Caffe reads anything. The package is not `caffe`, so that the process may
load pycaffe too.
"""

from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from keras_hypersphere.caffe_format.message_table import (
    message_classes,
    message_pool,
)
from keras_hypersphere.caffe_format.tables import (
    forks,
    layers,
    legacy,
    network,
    solver,
)

PACKAGE = "keras_hypersphere.caffe"

# The numbers of BlobProto again, as the bytes that packed values are in a
# file: `blobs.py` copies weights with it and makes no Python floats.
PACKED = "PackedBlob: data 5 bytes*, double_data 8 bytes*"

# What text has of a layer that no table knows, kept within the layer; see
# `own_layers.py`.
UNREAD = """
UnreadLayer: fields 29999 UnreadField*
UnreadField: name 1 string, line 2 int32, column 3 int32
"""

TABLES = (network, layers, legacy, solver, forks)
POOL = message_pool(
    [*(table.TABLE for table in TABLES), PACKED, UNREAD], PACKAGE
)
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

    class UnreadLayer(CaffeMessage): ...

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
            "UnreadLayer",
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
    UnreadLayer = CLASSES["UnreadLayer"]
    V0LayerParameter = CLASSES["V0LayerParameter"]
    V1LayerParameter = CLASSES["V1LayerParameter"]
