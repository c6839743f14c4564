"""Caffe layer type → the function that makes Keras layers of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.own_layers import (
    build_class,
    declare,
    unread_fields,
)
from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError

# (layer, inputs) -> one tensor, or one for each top; see `Emission`.
Converter = Callable

CONVERTERS: dict[str, Converter] = {}


def register_layer(
    type: str, parameter: Mapping[str, Any] | None = None
) -> Callable[[Converter], Converter]:
    """Teaches the converter a Caffe layer type.

    The decorated function is called for each layer of that type, with an
    `Emission` (the layer's parameters, its learned blobs, and `add`, which
    makes named Keras layers) and the list of input tensors. 4-D tensors are
    channels-last; all others are as in Caffe. It returns one Keras tensor, or
    a list with one for each top. A type that is known already is replaced.

    Args:
        type: The `type` in the prototxt.
        parameter: What the type has for itself in the prototxt: names of the
            layer's own messages, each with its fields, of which each is one
            of protobuf's types (`"float"`, `"int32 = 1"` with a default,
            `"repeated string"`), a message of Caffe (`"FillerParameter"`),
            a tuple of an enum's names, or a dict of further fields (in a
            list: of any number of those). Text has fields by name. A number
            after a name, as in the fork's caffe.proto, has binary files
            read too. Default: the type has no message of its own.

    Example:

    >>> from keras_hypersphere.tools.caffe import register_layer
    >>> @register_layer("Mish")
    ... def mish(layer, inputs):
    ...     return layer.add(keras.layers.Activation, *inputs,
    ...                      activation="mish")
    >>> fields = {"factor 1": "uint32 = 2", "mode 2": ("NEAREST", "LINEAR")}
    >>> @register_layer("ImResize", {"imresize_param 350": fields})
    ... def resize(layer, inputs):
    ...     settings = layer.parameter.imresize_param
    ...     kind = ("nearest", "bilinear")[settings.mode]
    ...     return layer.add(keras.layers.UpSampling2D, *inputs,
    ...                      size=settings.factor, interpolation=kind)
    """
    if not isinstance(type, str) or not type:
        raise ValueError(
            "`type` must be the type of a Caffe layer, such as "
            f'"Convolution". Received: type={type!r}'
        )
    own = None if parameter is None else build_class(parameter)

    def register(converter: Converter) -> Converter:
        declare(type, own)
        CONVERTERS[type] = converter
        return converter

    return register


def supported_layers() -> tuple[str, ...]:
    """The types that can be converted, sorted."""
    return tuple(sorted(CONVERTERS))


def is_supported(type: str) -> bool:
    """Whether a type can be converted."""
    return type in CONVERTERS


def find_converter(
    type: str, file: str | None = None, layer: LayerParameter | None = None
) -> Converter:
    """The converter of a type.

    Raises:
        UnsupportedLayerError: If there is none.
    """
    if type not in CONVERTERS:
        supported = supported_layers()
        where, own, reads = "", "", True
        unread = [] if layer is None else unread_fields(layer, file)
        if unread:
            names = dict.fromkeys(field.name for field in unread)
            where = f"line {unread[0].line}: "
            own = (
                ", with `parameter` for its own "
                f"{', '.join(f'`{name}`' for name in names)}"
            )
        if layer is not None:
            reads = layer.bottom or not layer.top
        raise UnsupportedLayerError(
            f"{where}the type {type!r} is not supported; supported are "
            f"{', '.join(supported)}; `register_layer` adds a type{own}, and "
            "`outputs` may leave the layer out"
            + ("" if reads else ", or `input_shapes` make inputs of its tops"),
            file,
            None if layer is None else layer.name,
            type,
            supported,
        )
    return CONVERTERS[type]


def refuse_unread(
    layers: Iterable[LayerParameter], file: str | None = None
) -> None:
    """Refuses fields that nobody declared in layers that are converted.

    Raises:
        CaffeFormatError: As Caffe does for what a layer does not have.
    """
    for layer in layers:
        for field in unread_fields(layer, file) * (layer.type in CONVERTERS):
            raise CaffeFormatError(
                f"line {field.line}, column {field.column}: has the field "
                f"`{field.name}`, which nobody knows; correct the spelling, "
                "or declare it: register_layer("
                f'"{layer.type}", parameter={{"{field.name}": {{…}}}})',
                file,
                layer.name,
                layer.type,
            )
