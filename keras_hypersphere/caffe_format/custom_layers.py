"""Layers of users' own: the fields that they declare for a layer type.

Caffe forks give a new layer a message of its own, `imresize_param { … }`, or
one of Caffe's messages a further field. `build_class` makes the class of a
layer that has them besides Caffe's, and `with_own` a layer of that class.

A network's layers are all of one class, which keeps these fields as bytes
that it does not know: so binary files, which have them by number, are read
alike, and no class depends on what is declared.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.message import DecodeError, Message

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import (
    FILE,
    PACKAGE,
    POOL,
    LayerParameter,
    NetParameter,
)

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
# Fields of forks begin at 20000; `unread` is 29999.
FIRST_NUMBER = 25000
# From here on numbers are protobuf's own, and then ours.
MOST_NUMBER = 18999
NAME = re.compile(r"([A-Za-z_]\w*)(?: +(\d+))?")
SCALAR = re.compile(r"(repeated +)?(\w+)(?: *= *(\S.*))?")


class CustomLayer(NamedTuple):
    """The class of a layer that has fields of its own, and of a network."""

    layer: type[Message]
    network: type[Message]


# Caffe's messages.
OFFICIAL = {
    message.name: message
    for message in descriptor_pb2.FileDescriptorProto.FromString(
        POOL.FindFileByName(FILE).serialized_pb
    ).message_type
}
CUSTOM: dict[str, CustomLayer] = {}
COUNT = itertools.count()


def declare(type: str, own: CustomLayer | None) -> None:
    """Tells of the fields that a layer type has for itself; None for none."""
    CUSTOM.pop(type, None)
    if own is not None:
        CUSTOM[type] = own


def custom(type: str) -> CustomLayer | None:
    """What reads layers of a type for which fields were declared."""
    return CUSTOM.get(type)


def build_class(parameter: Mapping[str, Any]) -> CustomLayer:
    """The class that reads a layer with fields of its own.

    Args:
        parameter: Name of a field of the layer → its fields. A field is a
            scalar (`"float"`,
            `"int32 = 1"`, `"repeated string"`) or a message of Caffe
            (`"FillerParameter"`), a tuple of an enum's names, or the fields
            of a further message (in a list: any number of those). A number
            after a name, `"factor 1"`, is the field's in binary files. One
            of Caffe's messages gets the fields besides those it has.

    Raises:
        ValueError: If that is no such thing, or Caffe has the field.
    """
    if not isinstance(parameter, Mapping) or not parameter:
        raise wrong("must be a dict of the layer's own fields", parameter)
    file = descriptor_pb2.FileDescriptorProto(
        package=f"{PACKAGE}.own_{next(COUNT)}",
        syntax="proto2",
        dependency=[FILE],
    )
    file.name = f"{file.package}.proto"
    layer = file.message_type.add()
    layer.CopyFrom(OFFICIAL["LayerParameter"])
    network = file.message_type.add(name="NetParameter")
    network.field.add(
        name="layer",
        number=NetParameter.DESCRIPTOR.fields_by_name["layer"].number,
        label=Field.LABEL_REPEATED,
        type=Field.TYPE_MESSAGE,
        type_name=f".{file.package}.LayerParameter",
    )
    add_fields(file, layer, parameter, parameter)
    try:
        POOL.AddSerializedFile(file.SerializeToString())
        layer_class, net_class = (
            message_factory.GetMessageClass(
                POOL.FindMessageTypeByName(f"{file.package}.{message.name}")
            )
            for message in (layer, network)
        )
        layer_class()
    except (TypeError, ValueError, KeyError) as error:
        raise wrong(f"is no message of protobuf's ({error})", parameter) from (
            error
        )
    return CustomLayer(layer_class, net_class)


def add_fields(
    file: descriptor_pb2.FileDescriptorProto,
    message: Any,
    fields: Mapping[str, Any],
    parameter: Any,
) -> None:
    """Adds fields to a message, and to the file the messages within it."""
    known = {field.name: field for field in message.field}
    numbers = {field.number: field.name for field in message.field}
    made: set[str] = set()
    for index, (key, kind) in enumerate(fields.items()):
        match = isinstance(key, str) and NAME.fullmatch(key)
        if not match:
            raise wrong(f"has {key!r}, where a name should be", parameter)
        name, number = match[1], int(match[2] or FIRST_NUMBER + index)
        if name in made:
            raise wrong(f"has {name!r} twice", parameter)
        made.add(name)
        if name in known:
            extend(file, known[name], kind, parameter)
            continue
        if number in numbers:
            raise wrong(
                f"has the number {number}, which is `{numbers[number]}`; leave "
                "it out: the field is then read from text alone",
                parameter,
            )
        if match[2] and not 0 < number <= MOST_NUMBER:
            raise wrong(
                f"has the number {number}; 1 to {MOST_NUMBER} are numbers",
                parameter,
            )
        field = message.field.add(
            name=name, number=number, label=Field.LABEL_OPTIONAL
        )
        top = message.name == "LayerParameter"
        within = name if top else f"{message.name}.{name}".replace(".", "_")
        if isinstance(kind, list) and len(kind) == 1:
            field.label = Field.LABEL_REPEATED
            kind = kind[0]
            if isinstance(kind, str):
                raise wrong(
                    f"has {[kind]!r}; write 'repeated {kind}'", parameter
                )
        if isinstance(kind, Mapping):
            field.type = Field.TYPE_MESSAGE
            field.type_name = f".{file.package}.{within}"
            inner = file.message_type.add(name=within)
            add_fields(file, inner, kind, parameter)
        elif isinstance(kind, tuple):
            field.type = Field.TYPE_ENUM
            field.type_name = f".{file.package}.{within}.Value"
            add_enum(file, within, kind, parameter)
        else:
            set_kind(field, kind, parameter)


def extend(
    file: descriptor_pb2.FileDescriptorProto,
    field: Any,
    kind: Any,
    parameter: Any,
) -> None:
    """Gives a field of Caffe's a copy of its message with further fields."""
    name = field.type_name.removeprefix(f".{PACKAGE}.")
    if name not in OFFICIAL or not isinstance(kind, Mapping):
        raise wrong(f"has {field.name!r}, which Caffe has", parameter)
    message = file.message_type.add()
    message.CopyFrom(OFFICIAL[name])
    message.name = field.name
    field.type_name = f".{file.package}.{field.name}"
    add_fields(file, message, kind, parameter)


def add_enum(
    file: descriptor_pb2.FileDescriptorProto,
    name: str,
    values: Sequence[str],
    parameter: Any,
) -> None:
    """Adds an enum, whose values count from 0 unless they have numbers."""
    if not values:
        raise wrong("has an enum without names", parameter)
    enum = file.message_type.add(name=name).enum_type.add(name="Value")
    for index, value in enumerate(values):
        match = isinstance(value, str) and NAME.fullmatch(value)
        if not match:
            raise wrong(f"has {value!r} in an enum", parameter)
        enum.value.add(name=match[1], number=int(match[2] or index))


def set_kind(field: Any, kind: Any, parameter: Any) -> None:
    """Reads `"repeated float"`, `"int32 = 3"` or `"FillerParameter"`."""
    match = SCALAR.fullmatch(kind) if isinstance(kind, str) else None
    known = match and (match[2] in SCALARS or match[2] in OFFICIAL)
    if (
        match is None
        or not known
        or (match[3] and (match[1] or match[2] not in SCALARS))
    ):
        raise wrong(
            f"has {kind!r} for `{field.name}`; write one of "
            f"{', '.join(SCALARS)}, such as 'float = 1' or 'repeated int32', "
            "a message of Caffe such as 'FillerParameter', a tuple of an "
            "enum's names, or a dict of fields",
            parameter,
        )
    if match[1]:
        field.label = Field.LABEL_REPEATED
    if match[2] in SCALARS:
        field.type = SCALARS[match[2]]
    else:
        field.type = Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{match[2]}"
    if match[3]:
        field.default_value = match[3]


def wrong(message: str, parameter: Any) -> ValueError:
    """What to raise for a declaration."""
    return ValueError(
        f"`parameter` {message}, such as "
        '{"imresize_param": {"factor": "float = 1", "mode": "string"}}. '
        f"Received: parameter={parameter!r}"
    )


def with_own(layer: LayerParameter, file: str | None = None) -> Any:
    """The layer as its converter sees it, with its own fields.

    Raises:
        CaffeFormatError: If a binary file holds something else by the
            numbers that were declared.
    """
    own = custom(layer.type)
    if own is None:
        return layer
    try:
        return own.layer.FromString(layer.SerializeToString())
    except (DecodeError, UnicodeError) as error:
        raise CaffeFormatError(
            "has fields of its own that are not as they were declared",
            file,
            layer.name,
            layer.type,
        ) from error
