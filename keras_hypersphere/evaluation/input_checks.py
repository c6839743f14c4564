"""What every protocol asks of its input, said once."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.arguments import DISTANCES


def as_flags(
    values: ArrayLike, name: str, count: int, what: str = "pairs"
) -> np.ndarray:
    """Returns `count` yes-or-no values as booleans."""
    flags = np.asarray(values)
    if flags.shape != (count,):
        raise ValueError(
            f"`{name}` must hold one flag for each of the {count} {what}. "
            f"Received: {name} of shape {flags.shape}."
        )
    if flags.dtype != bool:
        # Caffe lists write 1 and -1; guessing would hide a wrong column.
        if flags.dtype.kind not in "iuf" or not np.isin(flags, (0, 1)).all():
            raise ValueError(
                f"`{name}` must hold booleans, or 0 and 1. "
                f"Received: {name}={flags.ravel()[:5].tolist()}…"
            )
        flags = flags.astype(bool)
    return flags


def as_embeddings(
    values: ArrayLike, name: str, rows: str = "faces"
) -> np.ndarray:
    """Returns `values` as a matrix of real numbers.

    Args:
        values: the matrix.
        name: what the caller calls it.
        rows: what its rows are.
    """
    try:
        matrix = np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be a matrix ({rows}, dimensions). "
            "Received: rows of different lengths."
        ) from error
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(
            f"`{name}` must be a matrix ({rows}, dimensions). "
            f"Received: {name} of shape {matrix.shape}."
        )
    # Kind "V" is ml_dtypes' bfloat16, which converts to float64.
    if matrix.dtype.kind not in "fiuV":
        raise ValueError(
            f"`{name}` must hold real numbers. "
            f"Received: {name} of dtype {matrix.dtype}."
        )
    return matrix


def require_finite(
    values: np.ndarray,
    name: str,
    first: int = 0,
    hint: str = "Pairs without an embedding are marked with `failed`.",
) -> None:
    """Raises an error that names the first row with NaN or infinity.

    Args:
        values: numbers, a row an entry.
        name: what the caller calls them.
        first: index of the first row, where they are a part of more.
        hint: what to do about it.
    """
    finite = np.isfinite(values)
    if finite.ndim > 1:
        finite = finite.all(axis=1)
    if not finite.all():
        raise ValueError(
            f"`{name}` must hold finite numbers only. "
            f"Received: {int((~finite).sum())} of {len(finite)} entries with "
            "NaN or infinity, the first at index "
            f"{first + int(finite.argmin())}. {hint}"
        )


def require_one_shape(left: np.ndarray, right: np.ndarray) -> None:
    """Raises an error unless both sides of the pairs fit each other."""
    if left.shape != right.shape:
        raise ValueError(
            "`left` and `right` must have one shape, row `i` of both being "
            f"pair `i`. Received: shapes {left.shape} and {right.shape}."
        )


def require_both_kinds(same: np.ndarray, where: str) -> None:
    """Raises an error unless there are same and different pairs."""
    if same.all() or not same.any():
        kind = "same" if same.size and same.all() else "different"
        raise ValueError(
            f"{where} must hold pairs of both kinds, same and different. "
            f"Received: {same.size} pairs, all of them {kind}."
        )


def as_number(
    value: float, name: str, minimum: float, maximum: float | None = None
) -> float:
    """Returns one finite real number within limits, which it may reach."""
    number = np.asarray(value)
    real = number.ndim == 0 and number.dtype.kind in "fiu"
    largest = np.finfo(np.float64).max if maximum is None else maximum
    if not (real and minimum <= number <= largest):
        to = "" if maximum is None else f" to {maximum:g}"
        raise ValueError(
            f"`{name}` must be a finite number from {minimum:g}{to}. "
            f"Received: {name}={value!r}."
        )
    return float(number)


def require_choice(value: str, name: str, choices: Iterable[str]) -> None:
    """Raises an error unless `value` is one of some words."""
    choices = tuple(choices)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"`{name}` must be one of {', '.join(choices)}. "
            f"Received: {name}={value!r}."
        )


def require_distance(distance: str) -> None:
    """Raises an error unless `distance` is one of `DISTANCES`."""
    require_choice(distance, "distance", DISTANCES)
