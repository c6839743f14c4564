"""What a Caffe layer type is: one declaration, in the file of the type.

`register_layer` makes a `LayerType`, for built-in types as for the user's.
Whoever needs to know something of a type asks its `LayerType`.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from keras_hypersphere.caffe_format.custom_layers import build_class, declare
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError

# (layer, inputs) -> one tensor, or one for each top; see `Emission`.
Converter = Callable
# (layer, bottoms) -> one array, or one for each top; see `ReferenceLayer`.
Reference = Callable


@dataclass(frozen=True)
class Labels:
    """How a layer type reads labels.

    Attributes:
        place: Number of the first bottom that is a label; then come weights.
        bottoms: The fewest and the most bottoms.
        tops: The most tops.
        whole: Whether labels are whole numbers.
        binary: Whether they are 0 or 1.
        weighted: Whether the bottom after the labels holds weights.
    """

    place: int = 1
    bottoms: tuple[int, int] = (2, 3)
    tops: int = 1
    whole: bool = True
    binary: bool = False
    weighted: bool = False


@dataclass(frozen=True)
class LayerType:
    """One Caffe layer type.

    Attributes:
        name: The `type` in the prototxt.
        convert: Makes Keras layers of a layer, or None.
        reference: Computes its tops in NumPy and float64, or None.
        message: The field of a layer that holds the type's settings.
        labels: How it reads labels; None for a type that reads none.
        left_out: Whether it only measures: losses, accuracies. Such a layer
            is left out at inference.
        is_data: Whether it reads data from outside, and so becomes an input.
        passes_labels: Whether labels may go through it on their way.
        keeps_channels: Whether its top has the channels of its bottom.
        is_one_layer: Whether it becomes one Keras layer or more, whatever
            its settings are.
        multiply_adds: `(layer, bottoms, tops) -> int`: what a sample costs,
            from shapes without the batch.
        refused: Fields that the converter does not read though they change
            numbers, as `"pooling_param.axis"`, and what each does. Of an
            enum, `"eltwise_param.operation=SORT"` is one value. An empty
            text is for what is refused of other types, and read of this.
    """

    name: str
    convert: Converter | None = None
    reference: Reference | None = None
    message: str = ""
    labels: Labels | None = None
    left_out: bool = False
    is_data: bool = False
    passes_labels: bool = False
    keeps_channels: bool = False
    is_one_layer: bool = False
    multiply_adds: Callable[..., int] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_head(self) -> bool:
        """Whether it gives logits or distances at inference, and reads
        labels in training.
        """
        return self.labels is not None and not self.left_out

    def settings(self, layer: LayerParameter) -> Any:
        """The message of a layer of this type; None for a type without."""
        return getattr(layer, self.message) if self.message else None


# Of unknown fields in a warning.
MOST_NAMED = 5

LAYER_TYPES: dict[str, LayerType] = {}
# What layers of any type may have; losses are kept in training alone.
REFUSED = {
    "loss_param.class_weighting": "weighs classes",
    "loss_param.label_smoothing": "smooths labels",
    "loss_param.normalization=PRE_FIXED": "divides by a number of its own",
    "loss_param.weight_by_label_freqs": "weighs classes",
}
UNKNOWN = LayerType("")


def layer_type(name: str) -> LayerType:
    """What is known of a type: nothing, where nobody declared it."""
    return LAYER_TYPES.get(name, UNKNOWN)


def declare_layer(kind: LayerType) -> None:
    """Declares a type; one that is known already is replaced."""
    LAYER_TYPES[kind.name] = kind


def register_layer(
    type: str,
    parameter: Mapping[str, Any] | None = None,
    reference: Reference | None = None,
    **facts: Any,
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
        reference: What the type computes, for `verify`: a function of a
            `ReferenceLayer` (the layer's parameters and its learned blobs)
            and the list of bottoms, float64 arrays in Caffe's order of axes
            (N, C, H, W). It returns one array, or a list with one for each
            top. Default: its tops are unchecked.
        facts: Further attributes of `LayerType`: `labels`, `left_out`,
            `multiply_adds` …

    Example:

    >>> from keras_hypersphere.tools.caffe import register_layer
    >>> def double(layer, bottoms):
    ...     return bottoms[0] * 2
    >>> @register_layer("Double", reference=double)
    ... def double_layer(layer, inputs):
    ...     return layer.add(keras.layers.Rescaling, *inputs, scale=2.0)
    >>> fields = {"factor 1": "uint32 = 2", "mode 2": ("NEAREST", "LINEAR")}
    >>> @register_layer("ImResize", {"imresize_param 350": fields})
    ... def resize(layer, inputs):
    ...     settings = layer.parameter.imresize_param
    ...     kind = ("nearest", "bilinear")[settings.mode]
    ...     return layer.add(keras.layers.UpSampling2D, *inputs,
    ...                      size=settings.factor, interpolation=kind)
    """
    check_type(type)
    own = None if parameter is None else build_class(parameter)

    def register(converter: Converter) -> Converter:
        declare(type, own)
        declare_layer(LayerType(type, converter, reference, **facts))
        return converter

    return register


def register_reference(type: str) -> Callable[[Reference], Reference]:
    """Gives a type that is declared a float64 reference, or another one.

    Args:
        type: The `type` in the prototxt; see `register_layer` for what the
            decorated function takes and returns.

    Example:

    >>> @kh.tools.caffe.register_reference("AbsVal")
    ... def absolute_value(layer, bottoms, phase):
    ...     return [np.abs(bottoms[0])]
    """
    check_type(type)

    def register(reference: Reference) -> Reference:
        known = LAYER_TYPES.get(type, LayerType(type))
        declare_layer(replace(known, reference=reference))
        return reference

    return register


def check_type(type: object) -> None:
    """Refuses what is no name of a type."""
    if not isinstance(type, str) or not type:
        raise ValueError(
            "`type` must be the type of a Caffe layer, such as "
            f'"Convolution". Received: type={type!r}'
        )


def supported_layers() -> tuple[str, ...]:
    """The types that can be converted, sorted.

    Example:

    >>> "MarginInnerProduct" in kh.tools.caffe.supported_layers()
    True
    """
    return tuple(
        sorted(name for name, kind in LAYER_TYPES.items() if kind.convert)
    )


def find_converter(
    type: str,
    file: str | None = None,
    layer: LayerParameter | None = None,
    advice: str = "",
    options: Sequence[str] = (),
) -> Converter:
    """The converter of a type.

    Args:
        type: The type.
        file: Named in errors.
        layer: A layer of the type, named in errors.
        advice: What else may be done than to register a converter, as
            `"; --outputs ip1 ends before it"`.

    Raises:
        UnsupportedLayerError: If there is none.
    """
    convert = layer_type(type).convert
    if convert is not None:
        return convert
    where, declared = "", ""
    if layer is not None and layer.unread:
        names = dict.fromkeys(unread.name for unread in layer.unread)
        where = f"line {layer.unread[0].line}: "
        declared = (
            ", with `parameter` for its own "
            f"{', '.join(f'`{name}`' for name in names)}"
        )
    if advice:
        advice += " (in Python input_shapes={…} and outputs=[…]), or "
    supported = supported_layers()
    raise UnsupportedLayerError(
        f"{where}the type {type!r} is not supported{advice or '; '}teach it "
        f'with register_layer("{type}"){declared}; supported are '
        f"{', '.join(supported)}",
        file,
        None if layer is None else layer.name,
        type,
        supported,
        options,
    )


def refuse_unread(
    layers: Iterable[LayerParameter], file: str | None = None
) -> None:
    """Refuses what layers that are converted have, and no converter reads.

    Raises:
        CaffeFormatError: For a field that nobody declared, as Caffe does.
        UnsupportedLayerError: For a field of a fork that changes numbers.
    """
    for layer in layers:
        kind = layer_type(layer.type)
        # What has become an input reads nothing.
        if not kind.convert or kind.is_data or layer.type == "Input":
            continue
        for unread in layer.unread:
            raise CaffeFormatError(
                f"line {unread.line}, column {unread.column}: has the field "
                f"`{unread.name}`, which nobody knows; correct the spelling, "
                "or declare it and what it does: register_layer("
                f'"{layer.type}", parameter={declaration(unread.name)})',
                file,
                layer.name,
                layer.type,
            )
        for path, effect in {**REFUSED, **kind.refused}.items():
            if effect:
                refuse_field(layer, path, effect, file)


def declaration(name: str) -> str:
    """How a field is declared: `{"pooling_param": {"foo": …}}`."""
    *outer, last = name.split(".")
    kind = "{…}" if last.endswith("_param") else "…"
    return (
        "".join(f'{{"{part}": ' for part in [*outer, last])
        + kind
        + "}" * (len(outer) + 1)
    )


def warn_unread(
    layers: Iterable[LayerParameter], file: str | None = None
) -> None:
    """Warns of what nobody declared, after `refuse_unread` has let it pass:
    in layers that are left out, and in those that become inputs.
    """
    found = [
        f"`{unread.name}` of {layer.name!r} (line {unread.line})"
        for layer in layers
        if layer.type in LAYER_TYPES
        for unread in layer.unread
    ]
    if found:
        if len(found) > MOST_NAMED:
            found[MOST_NAMED:] = [f"{len(found) - MOST_NAMED} more"]
        warnings.warn(
            f"{file}: has fields that nobody knows: {', '.join(found)}; they "
            "are skipped, since no converted layer has them",
            stacklevel=2,
        )


def refuse_field(
    layer: LayerParameter, path: str, effect: str, file: str | None
) -> None:
    """Refuses a field that is set to something else than its default."""
    path, _, refused = path.partition("=")
    message: Any = layer
    *outer, name = path.split(".")
    for part in outer:
        message = getattr(message, part)
    given = {one.name: (one, value) for one, value in message.ListFields()}
    if name not in given:
        return
    known, value = given[name]
    default = known.default_value
    if known.enum_type is not None:
        name_of = known.enum_type.values_by_number
        value, default = name_of[value].name, name_of[default].name
    if value == default or refused not in ("", value):
        return
    text = f"`{' { '.join([*outer, name])}: {shown(value)}{' }' * len(outer)}`"
    raise UnsupportedLayerError(
        f"{text} is of a fork of Caffe: it {effect}, which is not supported; "
        "its absence would give other numbers. Teach the converter with "
        f'register_layer("{layer.type}"), which replaces the type',
        file,
        layer.name,
        layer.type,
    )


def shown(value: Any) -> str:
    """A value as the text format has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
