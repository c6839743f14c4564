"""What rounding alone makes of embeddings that say nothing.

Embeddings that all have one direction differ in their last digits, and so do
their scores. A curve of these would be one of noise. Scores are one score
where all of them lie within what rounding can move them.
"""

import numpy as np

# How far a vector may be off, in units of its length times the rounding of
# its dtype: its own rounding, and the last operations of the model.
ERRORS = 4.0
# Kind "V" is ml_dtypes' bfloat16, of 8 bits.
BFLOAT16 = 2.0**-8


def error(*embeddings: np.ndarray) -> float:
    """The relative error of a vector, by the coarsest of the dtypes.

    It is the angle, too, by which a direction may be off.
    """
    units = [2.0**-53]
    for array in embeddings:
        if array.dtype.kind == "V":
            units.append(BFLOAT16)
        elif array.dtype.kind == "f":
            units.append(float(np.finfo(array.dtype).eps) / 2)
    return ERRORS * max(units)


def of_cosines(cosines: np.ndarray, error: float, size: int) -> float:
    """How far a cosine can move while both directions move by `error`.

    An angle t that moves by e moves its cosine by up to `e sin t + e² / 2`;
    float64 adds its own for the `size` products of a cosine.
    """
    angle = 2.0 * error
    sine = np.sqrt(np.max(1.0 - np.square(cosines), initial=0.0))
    return float(angle * sine + angle**2 / 2 + 2.0**-52 * (size + 8))


def of_distances(
    distances: np.ndarray, error: float, size: int, largest: float, power: int
) -> float:
    """How far a distance, or its square, can move.

    Args:
        distances: the distances (`power=1`) or their squares (`power=2`).
        error: of a vector, relative to its length.
        size: entries of a vector.
        largest: the largest entry of all, without its sign.
        power: what `distances` are.
    """
    # No length is above the root of `size` times `largest`.
    gap = 2.0 * error * np.sqrt(size) * largest
    if power == 1:
        return float(gap)
    return float(gap * (2.0 * np.sqrt(distances.max(initial=0.0)) + gap))


def settled(scores: np.ndarray, noise: float) -> np.ndarray:
    """The scores; or one for all, if rounding can make one of all."""
    if len(scores) and scores.max() - scores.min() <= 2.0 * noise:
        return np.full_like(scores, np.median(scores))
    return scores


def from_center(
    faces: np.ndarray, center: np.ndarray, error: float
) -> np.ndarray:
    """`faces - center`; zero where rounding is all that is left."""
    moved = faces - center
    lost = np.linalg.norm(moved, axis=1) <= error * np.linalg.norm(
        faces, axis=1
    )
    moved[lost] = 0.0
    return moved
