"""Layers that no table knows: their own messages, and what was not read.

Caffe forks give a new layer a message of its own, `imresize_param { … }`. A
message that `declare` has been told of is read; whatever else text holds in a
layer whose type no table knows is noted, so that the layer can be named, or
left out.

Both travel within the layer's message as fields that our schema lacks, which
protobuf keeps and copies: so binary files, which have them by number, are
read alike.
"""

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import (
    FILE,
    PACKAGE,
    POOL,
    LayerParameter,
    UnreadLayer,
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
# Forks of the tables begin at 20000; `UnreadLayer` is 29999.
FIRST_NUMBER = 25000
# From here on numbers are protobuf's own, and then ours.
MOST_NUMBER = 18999
NAME = re.compile(r"([A-Za-z_]\w*)(?: +(\d+))?")
SCALAR = re.compile(r"(repeated +)?(\w+)(?: *= *(\S.*))?")

OWN: dict[str, type[Message]] = {}
COUNT = itertools.count()


def declare(type: str, own: type[Message] | None) -> None:
    """Tells of the fields that a layer type has for itself; None for none."""
    OWN.pop(type, None)
    if own is not None:
        OWN[type] = own


def own_class(type: str) -> Any:
    """What reads the fields that a layer type has for itself."""
    return OWN.get(type)


def build_class(parameter: Mapping[str, Any]) -> type[Message]:
    """The class that reads a layer's own fields.

    Args:
        parameter: Name of a field of the layer → its fields. A field is a
            scalar (`"float"`,
            `"int32 = 1"`, `"repeated string"`) or a message of Caffe
            (`"FillerParameter"`), a tuple of an enum's names, or the fields
            of a further message (in a list: any number of those). A number
            after a name, `"factor 1"`, is the field's in binary files.

    Raises:
        ValueError: If that is no such thing, or Caffe has the field.
    """
    if not isinstance(parameter, Mapping) or not parameter:
        raise wrong("must be a dict of the layer's own fields", parameter)
    place = f"own_{next(COUNT)}"
    file = descriptor_pb2.FileDescriptorProto(
        name=f"keras_hypersphere/{place}.proto",
        package=f"{PACKAGE}.{place}",
        syntax="proto2",
        dependency=[FILE],
    )
    add_message(file, "LayerParameter", parameter, parameter)
    known = LayerParameter.DESCRIPTOR
    for field in file.message_type[0].field:
        if field.name in known.fields_by_name:
            raise wrong(f"has {field.name!r}, which Caffe has", parameter)
        if field.number in known.fields_by_number:
            taken = known.fields_by_number[field.number].name
            raise wrong(
                f"has the number {field.number}, which is `{taken}`; leave "
                "it out: the field is then read from text alone",
                parameter,
            )
    try:
        POOL.AddSerializedFile(file.SerializeToString())
        made = POOL.FindMessageTypeByName(f"{file.package}.LayerParameter")
        own = message_factory.GetMessageClass(made)
        own()
    except (TypeError, ValueError, KeyError) as error:
        raise wrong(f"is no message of protobuf's ({error})", parameter) from (
            error
        )
    return own


def add_message(
    file: descriptor_pb2.FileDescriptorProto,
    name: str,
    fields: Mapping[str, Any],
    parameter: Any,
) -> None:
    """Adds a message, and those within it, to a protobuf file."""
    message = file.message_type.add(name=name)
    top = name == "LayerParameter"
    for index, (key, kind) in enumerate(fields.items()):
        match = isinstance(key, str) and NAME.fullmatch(key)
        if not match:
            raise wrong(f"has {key!r}, where a name should be", parameter)
        number = int(match[2] or FIRST_NUMBER + index)
        if match[2] and not 0 < number <= MOST_NUMBER:
            raise wrong(
                f"has the number {number}; 1 to {MOST_NUMBER} are numbers",
                parameter,
            )
        field = message.field.add(
            name=match[1], number=number, label=Field.LABEL_OPTIONAL
        )
        within = match[1] if top else f"{name}.{match[1]}".replace(".", "_")
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
            add_message(file, within, kind, parameter)
        elif isinstance(kind, tuple):
            field.type = Field.TYPE_ENUM
            field.type_name = f".{file.package}.{within}.Value"
            add_enum(file, within, kind, parameter)
        else:
            set_kind(field, kind, parameter)


def add_enum(
    file: descriptor_pb2.FileDescriptorProto,
    name: str,
    values: Sequence[str],
    parameter: Any,
) -> None:
    """Adds an enum, whose values count from 0 unless they have numbers."""
    enum = file.message_type.add(name=name).enum_type.add(name="Value")
    for index, value in enumerate(values):
        match = isinstance(value, str) and NAME.fullmatch(value)
        if not match:
            raise wrong(f"has {value!r} in an enum", parameter)
        enum.value.add(name=match[1], number=int(match[2] or index))


def set_kind(field: Any, kind: Any, parameter: Any) -> None:
    """Reads `"repeated float"`, `"int32 = 3"` or `"FillerParameter"`."""
    match = SCALAR.fullmatch(kind) if isinstance(kind, str) else None
    known = match and (match[2] in SCALARS or is_message(match[2]))
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


def is_message(name: str) -> bool:
    """Whether the tables have a message."""
    try:
        POOL.FindMessageTypeByName(f"{PACKAGE}.{name}")
    except KeyError:
        return False
    return True


def wrong(message: str, parameter: Any) -> ValueError:
    """What to raise for a declaration."""
    return ValueError(
        f"`parameter` {message}, such as "
        '{"imresize_param": {"factor": "float = 1", "mode": "string"}}. '
        f"Received: parameter={parameter!r}"
    )


class OwnParameter:
    """A layer's message, with the messages that its type has for itself.

    Args:
        layer: The layer as the prototxt has it.
        own: Its own fields.
    """

    def __init__(self, layer: LayerParameter, own: Message) -> None:
        self._layer = layer
        self._own = own

    def _holder(self, name: str) -> Message:
        known = self._own.DESCRIPTOR.fields_by_name
        return self._own if name in known else self._layer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._holder(name), name)

    def HasField(self, name: str) -> bool:
        """Whether a field is given, as in protobuf."""
        return self._holder(name).HasField(name)


def with_own(
    layer: LayerParameter, file: str | None = None
) -> LayerParameter | OwnParameter:
    """The layer as its converter sees it.

    Raises:
        CaffeFormatError: If a binary file holds something else by the
            numbers that were declared.
    """
    if own_class(layer.type) is None:
        return layer
    return OwnParameter(layer, own_fields(layer, file))


def own_fields(layer: LayerParameter, file: str | None = None) -> Message:
    """What has been declared for the layer's type, in a message."""
    own = own_class(layer.type)
    return LayerParameter() if own is None else extract(layer, own, file)


def unread_fields(
    layer: LayerParameter, file: str | None = None
) -> list[Message]:
    """`name`, `line` and `column` of what text has and nobody declared."""
    number = UnreadLayer.DESCRIPTOR.fields[0].number
    if all(f.field_number != number for f in UnknownFieldSet(layer)):
        return []
    return list(extract(layer, UnreadLayer, file).fields)


def own_numbers(message: Message) -> Collection[int]:
    """The numbers of the fields that have been declared for a layer."""
    own = isinstance(message, LayerParameter) and own_class(message.type)
    return own.DESCRIPTOR.fields_by_number if own else ()


def extract(
    layer: LayerParameter, own: type[Message], file: str | None
) -> Message:
    """The fields that our schema lacks, in a message that has them."""
    rest = LayerParameter()
    rest.CopyFrom(layer)
    for field, _ in rest.ListFields():
        rest.ClearField(field.name)
    try:
        return own.FromString(rest.SerializeToString())
    except (DecodeError, UnicodeError) as error:
        raise CaffeFormatError(
            "has fields of its own that are not as they were declared",
            file,
            layer.name,
            layer.type,
        ) from error
