"""From a photo to one aligned face."""

import dataclasses
import os
from collections.abc import Sequence
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
        face: Box, landmarks and confidence, in pixels of the photo; None
            for a photo that was a crop already.
        found: How many faces the photo has.
        crop: The aligned crop, RGB uint8; None where it was not kept.
    """

    photo: str
    face: Face | None
    found: int
    crop: np.ndarray | None

    def as_dict(self) -> dict:
        """Plain values without the crop, for JSON."""
        return {
            "photo": self.photo,
            "faces": self.found,
            **({} if self.face is None else self.face.as_dict()),
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
    name, pixels = read_named(photo, name)
    return align_one(pixels, detect(pixels), template, choose, name)


def align_one(
    pixels: np.ndarray,
    faces: Sequence[Face],
    template: "str | Template",
    choose: str,
    name: str,
) -> AlignedFace:
    """Aligns one of the faces that were found in a photo.

    Raises:
        NoFaceError: If there is none; the message names the photo.
        ValueError: If it does not fit the template.
    """
    if not faces:
        raise NoFaceError(
            f"No face was found in {name!r}. Expected an upright face of 20 "
            "pixels or more; turn or enlarge the photo."
        )
    face = select_face(faces, pixels.shape, choose)
    crop = align(pixels, face, template, antialias=True)
    return AlignedFace(name, face, len(faces), crop)


def read_crop(
    photo: "str | os.PathLike | np.ndarray",
    size: tuple[int, int],
    name: str | None = None,
) -> AlignedFace:
    """Reads a photo that is an aligned crop of the given size already.

    Raises:
        ValueError, FileNotFoundError: As in `images.read`, and if the size
            is another.
    """
    name, pixels = read_named(photo, name)
    if pixels.shape[:2] != tuple(size):
        raise ValueError(
            f"{name!r} is no aligned crop: {size[0]} x {size[1]} pixels "
            f"were expected, it has {pixels.shape[0]} x {pixels.shape[1]} "
            "(height x width). Embed it as a photo, or align it first."
        )
    return AlignedFace(name, None, 1, pixels)


def read_named(
    photo: "str | os.PathLike | np.ndarray",
    name: str | None,
    partial: bool = False,
) -> tuple[str, np.ndarray]:
    """Reads a photo; messages about an array begin with its name."""
    is_array = isinstance(photo, np.ndarray)
    if name is None:
        name = (
            "the photo" if isinstance(photo, np.ndarray) else str(Path(photo))
        )
    try:
        return name, images.read(photo, partial)
    except ValueError as error:
        if is_array:
            raise ValueError(f"{name}: {error}") from None
        raise
