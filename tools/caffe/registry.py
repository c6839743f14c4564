"""Caffe layer type → the function that makes Keras layers of it."""

from collections.abc import Callable

from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError

# (layer, inputs) -> one tensor, or one for each top; see `Emission`.
Emitter = Callable

EMITTERS: dict[str, Emitter] = {}


def register_layer(type: str) -> Callable[[Emitter], Emitter]:
    """Teaches the converter a Caffe layer type.

    The decorated function is called for each layer of that type, with an
    `Emission` (the layer's parameters, its learnt blobs, and `add`, which
    makes named Keras layers) and the list of input tensors. 4-D tensors are
    channels-last; all others are as in Caffe. It returns one Keras tensor, or
    a list with one for each top. A type that is known already is replaced.

    Args:
        type: The `type` in the prototxt.

    Example:

    >>> from keras_hypersphere.tools.caffe import register_layer
    >>> @register_layer("Mish")
    ... def mish(layer, inputs):
    ...     return layer.add(keras.layers.Activation, *inputs,
    ...                      activation="mish")
    """
    if not isinstance(type, str) or not type:
        raise ValueError(
            "`type` must be the type of a Caffe layer, such as "
            f'"Convolution". Received: type={type!r}'
        )

    def register(emitter: Emitter) -> Emitter:
        EMITTERS[type] = emitter
        return emitter

    return register


def supported_layers() -> tuple[str, ...]:
    """The types that can be converted, sorted."""
    return tuple(sorted(EMITTERS))


def find_emitter(
    type: str, file: str | None = None, layer: str | None = None
) -> Emitter:
    """The emitter of a type.

    Raises:
        UnsupportedLayerError: If there is none.
    """
    if type not in EMITTERS:
        supported = supported_layers()
        raise UnsupportedLayerError(
            f"the type {type!r} is not supported; supported are "
            f"{', '.join(supported)}; `register_layer` adds a type, and "
            "`outputs` may leave the layer out",
            file,
            layer,
            type,
            supported,
        )
    return EMITTERS[type]
