"""The types of the fields of a card."""

import math
import reprlib
import types
import typing

WORDS = {
    str: "text",
    int: "an integer",
    float: "a finite number",
    bool: "true or false",
    dict: "an object",
}
LISTS = {int: "integers", float: "finite numbers", dict: "objects"}


def typed(name: str, value: typing.Any, kind: object) -> typing.Any:
    """A value as its field holds it: lists as tuples, numbers as floats.

    Raises:
        ValueError: If it is of another type.
    """
    if isinstance(value, list):
        value = tuple(value)
    if kind is float and type(value) is int:
        value = float(value)
    if not fits(value, kind):
        raise impossible(name, value, words(kind))
    return value


def fits(value: typing.Any, kind: object) -> bool:
    """Whether a value has the type of a field; numbers are finite."""
    if isinstance(kind, types.GenericAlias):
        item = typing.get_args(kind)[0]
        return isinstance(value, tuple) and all(fits(x, item) for x in value)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is kind


def words(kind: typing.Any) -> str:
    """The type of a field in words."""
    if isinstance(kind, types.GenericAlias):
        return f"a list of {LISTS[typing.get_args(kind)[0]]}"
    return WORDS[kind]


def impossible(name: str, value: object, expected: str) -> ValueError:
    """The error of a field that does not hold what was expected."""
    return ValueError(
        f"`{name}` of a card must be {expected}. "
        f"Received: {name}={reprlib.repr(value)}"
    )
