"""Caffe layer type → the function that computes it."""

from collections.abc import Callable

# (layer, bottoms) -> one array, or one for each top; see `ReferenceLayer`.
Reference = Callable

REFERENCES: dict[str, Reference] = {}


def register_reference(type: str) -> Callable[[Reference], Reference]:
    """Teaches `verify` what a Caffe layer type computes.

    The decorated function is called with a `ReferenceLayer` (the layer's
    parameters and its learned blobs) and the list of bottoms, float64 arrays
    in Caffe's order of axes (N, C, H, W). It returns one array, or a list
    with one for each top. A type that is known already is replaced.

    Args:
        type: The `type` in the prototxt.

    Example:

    >>> from keras_hypersphere.tools.caffe import register_reference
    >>> @register_reference("Softsign")
    ... def softsign(layer, bottoms):
    ...     (x,) = bottoms
    ...     return x / (1 + abs(x))
    """
    if not isinstance(type, str) or not type:
        raise ValueError(
            "`type` must be the type of a Caffe layer, such as "
            f'"Convolution". Received: type={type!r}'
        )

    def register(reference: Reference) -> Reference:
        REFERENCES[type] = reference
        return reference

    return register


def referenced_layers() -> tuple[str, ...]:
    """The types that have a reference, sorted."""
    return tuple(sorted(REFERENCES))


def find_reference(type: str) -> Reference | None:
    """The reference of a type, or None."""
    return REFERENCES.get(type)
