"""How far the faces of crops are from where a template has them."""

from collections.abc import Iterable

import numpy as np

from keras_hypersphere.zoo.alignment import (
    Face,
    FaceDetector,
    get_template,
    select_face,
)
from keras_hypersphere.zoo.alignment.template import Template

# Upright: a turned crop is not aligned.
DETECTOR = FaceDetector(turn=0)
# Black around a crop, in its widths: detectors want some room.
ROOM = 0.25


def displacements(
    crops: Iterable[np.ndarray], template: "str | Template"
) -> list[float | None]:
    """How far aligning each crop once more would move its landmarks.

    Args:
        crops: RGB uint8 arrays.
        template: A name in `zoo.alignment.TEMPLATES`, or a `Template`.

    Returns:
        The root of the mean square over landmarks, in widths of the crop; 0
        for a crop that is aligned; None where no face is found.
    """
    template = get_template(template)
    return [displacement(crop, template) for crop in crops]


def displacement(crop: np.ndarray, template: Template) -> float | None:
    """That of one crop."""
    height, width = crop.shape[:2]
    room = round(ROOM * width)
    large = np.pad(crop, ((room, room), (room, room), (0, 0)))
    faces = DETECTOR(large)
    if not faces:
        return None
    face = select_face(faces, large.shape, "center")
    points = face.landmarks - room
    left, top, *size = face.box
    moved = Face((left - room, top - room, *size), points, face.confidence, 0)
    try:
        matrix = template.transform(moved, crop.shape)
    except ValueError:
        # No face stands like this.
        return 1.0
    # A crop of another size is another scale.
    scale = np.array(template.size[::-1]) / (width, height)
    there = points @ matrix[:, :2].T + matrix[:, 2]
    off = (there / scale - points) / width
    return float(np.sqrt((off**2).sum(axis=1).mean()))
