"""Caffe's messages as protobuf classes, under a package name of our own.

The tables hold, a line a message::

    Message: field number type, field number type*, field number type=default

`*` is repeated, `**` repeated and packed. A type is one of protobuf's, a
message or an enum of the tables. `extend Message:` adds the fields of forks,
which have no number in the table (see `tables/forks.py`); they get one from
20000 upwards, where no Caffe reads anything.

The pool is private and the package is not `caffe`, so that the process may
load pycaffe too.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import Message

from keras_hypersphere.caffe_format.tables import (
    forks,
    layers,
    legacy,
    network,
    solver,
)

PACKAGE = "keras_hypersphere.caffe"
FILE = "keras_hypersphere/caffe.proto"
FIRST_PRIVATE_NUMBER = 20000

Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": Field.TYPE_STRING,
    "bytes": Field.TYPE_BYTES,
    "bool": Field.TYPE_BOOL,
    "int32": Field.TYPE_INT32,
    "int64": Field.TYPE_INT64,
    "uint32": Field.TYPE_UINT32,
    "float": Field.TYPE_FLOAT,
    "double": Field.TYPE_DOUBLE,
}
FIELD = re.compile(r"(\w+)(?: (\d+))? (\w+)(\*{0,2})(?:=(\S+))?")

# The numbers of BlobProto again, as the bytes that packed values are in a
# file: `blobs.py` copies weights with it and makes no Python floats.
PACKED = "PackedBlob: data 5 bytes*, double_data 8 bytes*"

# What text has of a layer that no table knows, kept within the layer; see
# `own_layers.py`.
UNREAD = """
UnreadLayer: fields 29999 UnreadField*
UnreadField: name 1 string, line 2 int32, column 3 int32
"""


def lines(table: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yields `(keyword, name, entries)` of each entry of a table."""
    for entry in re.sub(r"\n +", " ", table).split("\n"):
        if entry:
            head, _, rest = entry.partition(": ")
            keyword, _, name = head.rpartition(" ")
            yield keyword, name, rest.split(", ")


def build_file() -> descriptor_pb2.FileDescriptorProto:
    """Turns the tables into one protobuf file."""
    file = descriptor_pb2.FileDescriptorProto(
        name=FILE, package=PACKAGE, syntax="proto2"
    )
    tables = (network, layers, legacy, solver, forks)
    entries = [line for table in tables for line in lines(table.TABLE)]
    entries += [*lines(PACKED), *lines(UNREAD)]
    enums = {name for keyword, name, _ in entries if keyword == "enum"}
    messages = {}
    for keyword, name, fields in entries:
        if keyword == "enum":
            # Values of an enum share the scope around it: MAX occurs twice.
            enum = file.message_type.add(name=name).enum_type.add(name="Value")
            for field in fields:
                value, number = field.split(" ")
                enum.value.add(name=value, number=int(number))
            continue
        if keyword == "":
            messages[name] = file.message_type.add(name=name)
        for field in fields:
            add_field(messages[name], field, enums)
    return file


def add_field(
    message: descriptor_pb2.DescriptorProto, entry: str, enums: set[str]
) -> None:
    """Adds one `field number type=default` to a message."""
    match = FIELD.fullmatch(entry)
    if match is None:
        raise RuntimeError(f"bad entry in the table of {message.name}: {entry}")
    name, number, kind, stars, default = match.groups()
    field = message.field.add(
        name=name,
        number=int(number or FIRST_PRIVATE_NUMBER + len(message.field)),
        label=Field.LABEL_REPEATED if stars else Field.LABEL_OPTIONAL,
    )
    if kind in SCALARS:
        field.type = SCALARS[kind]
    elif kind in enums:
        field.type = Field.TYPE_ENUM
        field.type_name = f".{PACKAGE}.{kind}.Value"
    else:
        field.type = Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"
    if stars == "**":
        field.options.packed = True
    if default is not None:
        field.default_value = default


def build_classes() -> dict[str, type]:
    """Makes the message classes, by name."""
    # `Add` is gone from new protobufs, and only bytes may cross between the
    # pool of `descriptor_pb2` and this one.
    POOL.AddSerializedFile(build_file().SerializeToString())
    names = (
        "BlobProto",
        "FillerParameter",
        "LayerParameter",
        "NetParameter",
        "PackedBlob",
        "SolverParameter",
        "UnreadLayer",
        "V0LayerParameter",
        "V1LayerParameter",
    )
    return {
        name: message_factory.GetMessageClass(
            POOL.FindMessageTypeByName(f"{PACKAGE}.{name}")
        )
        for name in names
    }


POOL = descriptor_pool.DescriptorPool()
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
    CLASSES = build_classes()
    BlobProto = CLASSES["BlobProto"]
    FillerParameter = CLASSES["FillerParameter"]
    LayerParameter = CLASSES["LayerParameter"]
    NetParameter = CLASSES["NetParameter"]
    PackedBlob = CLASSES["PackedBlob"]
    SolverParameter = CLASSES["SolverParameter"]
    UnreadLayer = CLASSES["UnreadLayer"]
    V0LayerParameter = CLASSES["V0LayerParameter"]
    V1LayerParameter = CLASSES["V1LayerParameter"]
