"""The similarity that maps landmarks onto a template."""

import numpy as np

from keras_hypersphere.zoo.alignment.face import (
    as_positions,
    landmarks_of,
)
from keras_hypersphere.zoo.alignment.least_squares import least_squares
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
    reflection is w = a conj(z) + b. An `EyesTemplate` takes a and b from
    the middles of eyes and mouth instead.

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
            template's, or all the same, so that no similarity fits; or if
            the template is a box, or knows no reflection.

    Example:

    >>> from keras_hypersphere.zoo import alignment
    >>> target = alignment.TEMPLATES["arcface"].points
    >>> alignment.similarity_transform(2 * target + 5, "arcface").round(6)
    array([[ 0.5, -0. , -2.5],
           [ 0. ,  0.5, -2.5]])
    """
    if isinstance(template, (str, Template)):
        template = get_template(template)
        return template.transform(points, reflection=reflection)
    target = as_positions(template, "template")
    if target.ndim != 2 or not np.isfinite(target).all():
        raise ValueError(
            "`template` must be finite positions of shape (points, 2). "
            f"Received: template={target.tolist()}"
        )
    source = landmarks_of(points, target.shape)
    return least_squares(source, target, reflection)
