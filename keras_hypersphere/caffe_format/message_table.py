"""Tables of protobuf messages → their classes.

A table holds, a line a message::

    Message: field number type, field number type*, field number type=default

`*` is repeated, `**` repeated and packed. A type is one of protobuf's, a
message or an enum of the tables. `extend Message:` adds fields that may have
no number in the table; they get one from 20000 upwards.

Every pool is private, and the package of a file its own, so that the process
may load the official classes of the same messages too.
"""

import re
from collections.abc import Iterable, Iterator

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)

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


def message_pool(
    tables: Iterable[str], package: str
) -> descriptor_pool.DescriptorPool:
    """A pool that holds the messages of tables, as those of a package."""
    pool = descriptor_pool.DescriptorPool()
    # `Add` is gone from new protobufs, and only bytes may cross between the
    # pool of `descriptor_pb2` and this one.
    pool.AddSerializedFile(build_file(tables, package).SerializeToString())
    return pool


def message_classes(
    pool: descriptor_pool.DescriptorPool, package: str, names: Iterable[str]
) -> dict[str, type]:
    """The classes of messages of a package, by the name of the message."""
    return {
        name: message_factory.GetMessageClass(
            pool.FindMessageTypeByName(f"{package}.{name}")
        )
        for name in names
    }


def file_of(package: str) -> str:
    """The name of the file that declares a package."""
    return f"{package.replace('.', '/')}.proto"


def lines(table: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yields `(keyword, name, entries)` of each entry of a table."""
    for entry in re.sub(r"\n +", " ", table).split("\n"):
        if entry:
            head, _, rest = entry.partition(": ")
            keyword, _, name = head.rpartition(" ")
            yield keyword, name, rest.split(", ")


def build_file(
    tables: Iterable[str], package: str
) -> descriptor_pb2.FileDescriptorProto:
    """Turns tables into one protobuf file."""
    file = descriptor_pb2.FileDescriptorProto(
        name=file_of(package), package=package, syntax="proto2"
    )
    entries = [line for table in tables for line in lines(table)]
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
            add_field(messages[name], field, enums, package)
    return file


def add_field(
    message: descriptor_pb2.DescriptorProto,
    entry: str,
    enums: set[str],
    package: str,
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
        field.type_name = f".{package}.{kind}.Value"
    else:
        field.type = Field.TYPE_MESSAGE
        field.type_name = f".{package}.{kind}"
    if stars == "**":
        field.options.packed = True
    if default is not None:
        field.default_value = default
