"""The least-squares similarity between two sets of points."""

import numpy as np

from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.templates import get_template


def similarity_transform(
    points: np.ndarray,
    template: "str | Template | np.ndarray",
    reflection: bool = False,
) -> np.ndarray:
    """Fits the similarity that maps landmarks onto a template.

    With points as complex numbers z and the template's as w, the similarity
    is w = a z + b; a turns and scales, b shifts. The sum of |a z + b - w|^2
    is least for

        a = sum(conj(z') w') / sum(|z'|^2),   b = mean(w) - a mean(z)

    where z', w' are the points less their mean. A similarity with a
    reflection is w = a conj(z) + b.

    Args:
        points: (points, 2) landmarks (x, y) in the photo, 0-based.
        template: A name in `TEMPLATES`, a `Template`, or (points, 2) target
            positions.
        reflection: Fit both kinds and return the one with the smaller
            residual, as Matlab's `cp2tform` does. Default: False, never a
            reflection.

    Returns:
        (2, 3) float64 matrix: `matrix @ (x, y, 1)` is the position in the
        crop.

    Raises:
        ValueError: If the points are not finite, not as many as the
            template's, or all the same, so that no similarity fits.
    """
    if isinstance(template, np.ndarray):
        target = np.asarray(template, np.float64)
    else:
        target = get_template(template).points
    source = np.asarray(points, np.float64)
    if source.shape != target.shape or source.ndim != 2:
        raise ValueError(
            f"`points` must have the shape {target.shape} of the template. "
            f"Received: points of shape {source.shape}"
        )
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError(
            f"`points` must be finite. Received: points={source.tolist()}"
        )
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
    # The points' own rounding: below it, their differences mean nothing.
    noise = len(z) * (np.finfo(np.float64).eps * np.abs(z).max()) ** 2
    if size <= noise or not np.vdot(goal, goal).real > 0.0:
        raise ValueError(
            "No similarity fits points that are all the same. "
            f"Received: points={source.tolist()}"
        )
    a = np.vdot(spread, goal) / size
    b = w.mean() - a * z.mean()
    return (
        np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]]),
        float(np.sum(np.abs(a * z + b - w) ** 2)),
    )
