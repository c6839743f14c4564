"""From a photo to one aligned face."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment.detection import detect
from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.no_face_error import NoFaceError
from keras_hypersphere.zoo.alignment.selection import select_face
from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.warp import align


@dataclasses.dataclass(frozen=True, eq=False)
class AlignedFace:
    """One face of a photo, and its crop.

    Args:
        photo: The photo's path, or what stands for an array.
        face: Box, landmarks and confidence, in pixels of the photo.
        found: How many faces the photo has.
        crop: The aligned crop, RGB uint8; None where it was not kept.
    """

    photo: str
    face: Face
    found: int
    crop: np.ndarray | None

    def as_dict(self) -> dict:
        """Plain values without the crop, for JSON."""
        return {
            "photo": self.photo,
            "faces": self.found,
            **self.face.as_dict(),
        }


def find_face(
    photo: "str | os.PathLike | np.ndarray",
    template: "str | Template",
    choose: str = "largest",
    name: str | None = None,
) -> AlignedFace:
    """Reads a photo, detects its faces, and aligns one of them.

    Args:
        photo: As in `images.read`.
        template: A name in `alignment.TEMPLATES`, or a `Template`.
        choose: Which of several faces: `"largest"` or `"center"`.
        name: What to call an array in messages. Default: "the photo".

    Raises:
        NoFaceError: If the photo has no face; the message names it.
        ValueError, FileNotFoundError: As in `images.read`.
    """
    if name is None:
        is_array = isinstance(photo, np.ndarray)
        name = "the photo" if is_array else str(Path(photo))
    try:
        pixels = images.read(photo)
    except ValueError as error:
        if isinstance(photo, np.ndarray):
            raise ValueError(f"{name}: {error}") from None
        raise
    faces = detect(pixels)
    if not faces:
        raise NoFaceError(
            f"No face was found in {name!r}. Expected an upright face of 20 "
            "pixels or more; turn or enlarge the photo."
        )
    face = select_face(faces, pixels.shape, choose)
    crop = align(pixels, face.landmarks, template, antialias=True)
    return AlignedFace(name, face, len(faces), crop)
