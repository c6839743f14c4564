"""The least-squares similarity between two sets of points."""

import numpy as np


def least_squares(
    source: np.ndarray, target: np.ndarray, reflection: bool = False
) -> np.ndarray:
    """Fits the similarity; the formula is in `similarity_transform`.

    Args:
        source: (points, 2) finite float64 positions.
        target: Where they should go, of the same shape.
        reflection: Whether a mirrored fit is taken where it is the better.

    Returns:
        (2, 3) float64 matrix.

    Raises:
        ValueError: If the points are all the same.
    """
    matrix, residual = fit(source, target)
    if reflection:
        mirrored, mirrored_residual = fit(source * (-1.0, 1.0), target)
        if mirrored_residual < residual:
            matrix = mirrored * (-1.0, 1.0, 1.0)
    return matrix


def fit(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Fits a similarity without reflection. Returns it and its residual."""
    z = source @ (1.0, 1.0j)
    w = target @ (1.0, 1.0j)
    spread = z - z.mean()
    goal = w - w.mean()
    size = np.vdot(spread, spread).real
    if size <= len(z) * noise(z) ** 2 or not np.vdot(goal, goal).real > 0.0:
        raise ValueError(
            "No similarity fits points that are all the same. "
            f"Received: points={source.tolist()}"
        )
    a = np.vdot(spread, goal) / size
    b = w.mean() - a * z.mean()
    return as_matrix(a, b), float(np.sum(np.abs(a * z + b - w) ** 2))


def as_matrix(a: complex, b: complex) -> np.ndarray:
    """The matrix of z -> a z + b."""
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def noise(z: np.ndarray) -> float:
    """The points' own rounding: below it, their differences mean nothing."""
    return float(np.finfo(np.float64).eps * np.abs(z).max())
