"""Checks of constructor arguments, with one kind of message."""

import math
import numbers
from typing import Any

# Between embeddings, everywhere: 1 - cosine, |a - b| and its square.
DISTANCES = ("cosine", "l2", "squared-l2")


def integer(name: str, value: Any) -> int:
    """An integer of either sign."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise ValueError(
            f"`{name}` must be an integer. Received: {name}={value!r}."
        )
    return int(value)


def positive_integer(name: str, value: Any) -> int:
    """An integer of at least 1."""
    if (
        not isinstance(value, numbers.Integral)
        or isinstance(value, bool)
        or value < 1
    ):
        raise ValueError(
            f"`{name}` must be an integer, at least 1. "
            f"Received: {name}={value!r}."
        )
    return int(value)


def number(
    name: str,
    value: Any,
    minimum: float | None = None,
    positive: bool = False,
) -> float:
    """A finite number, where asked at least `minimum` or above 0."""
    wanted = "a finite number"
    if positive:
        wanted += " above 0"
    elif minimum is not None:
        wanted += f", at least {minimum:g}"
    if (
        not isinstance(value, numbers.Real)
        or isinstance(value, bool)
        or not math.isfinite(value)
        or (minimum is not None and value < minimum)
        or (positive and value <= 0)
    ):
        raise ValueError(
            f"`{name}` must be {wanted}. Received: {name}={value!r}."
        )
    return float(value)


def choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in choices:
        words = ", ".join(f'"{c}"' for c in choices)
        raise ValueError(
            f"`{name}` must be one of {words}. Received: {name}={value!r}."
        )
    return value


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError(
            f"`{name}` must be True or False. Received: {name}={value!r}."
        )
    return value


def weights(**values: Any) -> dict[str, float]:
    """Numbers of at least 0, by name."""
    return {name: number(name, x, minimum=0.0) for name, x in values.items()}


def flags(**values: Any) -> dict[str, bool]:
    """True or False, by name."""
    return {name: flag(name, x) for name, x in values.items()}


def limits(name: str, value: Any) -> tuple[float | None, float | None]:
    """A pair (minimum, maximum), either of which may be None."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            f"`{name}` must be a pair (minimum, maximum), None for an open "
            f"side. Received: {name}={value!r}."
        )
    low, high = (None if side is None else number(name, side) for side in value)
    if low is not None and high is not None and low > high:
        raise ValueError(
            f"`{name}` must have its minimum first. Received: {name}={value!r}."
        )
    return low, high


def inside(
    name: str, value: float, bounds: tuple[float | None, float | None]
) -> float:
    """A number within limits that it will be kept in."""
    low, high = bounds
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(
            f"`{name}` must start within `{name}_range`={bounds}. "
            f"Received: {name}={value}; widen the range or move the start."
        )
    return value


def feature_size(shape: Any) -> int:
    """The known last dimension of a shape of inputs."""
    shape = tuple(shape)
    if not shape or shape[-1] is None:
        raise ValueError(
            "`inputs` must have a known last dimension, the feature size. "
            f"Received: inputs.shape={shape}; give it in `keras.Input`."
        )
    return int(shape[-1])


def feature_vectors(shape: Any) -> None:
    """Refuses a shape of inputs that is not (N, d)."""
    if shape is None or len(shape) != 2:
        shape = None if shape is None else tuple(shape)
        raise ValueError(
            "`inputs` must have shape (N, d), one feature vector per sample. "
            f"Received: inputs.shape={shape}; put a `keras.layers.Flatten` "
            "before the layer."
        )


def rate(name: str, value: Any) -> float:
    """How far a running statistic moves: a number in (0, 1]."""
    if not 0 < number(name, value) <= 1:
        raise ValueError(
            f"`{name}` must be a number above 0, at most 1. "
            f"Received: {name}={value!r}."
        )
    return float(value)


def radians(name: str, value: float) -> float:
    """An angle in [0, pi)."""
    if not 0 <= value < math.pi:
        raise ValueError(
            f"`{name}` must be an angle in radians, in [0, pi). "
            f"Received: {name}={value!r}; for degrees, pass "
            f"`math.radians({name})`."
        )
    return value


def interval(name: str, value: Any) -> tuple[float, float]:
    """A pair of numbers, the smaller first."""
    low, high = limits(name, value)
    if low is None or high is None:
        raise ValueError(
            f"`{name}` must be a pair of numbers. Received: {name}={value!r}."
        )
    return low, high
