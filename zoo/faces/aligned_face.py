"""From a photo to its aligned faces."""

import dataclasses

import numpy as np

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.face_detector import FaceDetector
from keras_hypersphere.zoo.alignment.no_face_error import NoFaceError
from keras_hypersphere.zoo.alignment.selection import select_face
from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.warp import align
from keras_hypersphere.zoo.faces.photo_list import Photo

# Of a crop that was aligned already.
UNKNOWN = dict.fromkeys(("box", "landmarks", "confidence", "turn"))


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
            **(UNKNOWN if self.face is None else self.face.as_dict()),
        }


def faces_of(
    name: str,
    photo: Photo,
    template: "str | Template",
    choose: str,
    detector: FaceDetector,
    partial: bool = False,
) -> list[AlignedFace]:
    """Reads a photo, detects its faces, and aligns one of them, or all.

    Args:
        name: The photo's name in messages and results.
        photo: As in `images.read`.
        template: A name in `alignment.TEMPLATES`, or a `Template`.
        choose: `"largest"`, `"center"` or `"all"`.
        detector: What finds faces.
        partial: As in `images.read`.

    Raises:
        NoFaceError: If the photo has no face; the message names it.
        ValueError, FileNotFoundError: As in `images.read`, and if a face
            does not fit the template.
    """
    pixels = images.read(photo, partial, name)
    faces = detector(pixels)
    if not faces:
        raise NoFaceError(
            f"No face was found in {name!r}. Expected a face of 20 pixels or "
            "more that stands upright: enlarge the photo, or turn it "
            "(`FaceDetector(turn=90)`, `--turn 90`)."
        )
    chosen = (
        faces if choose == "all" else [select_face(faces, pixels.shape, choose)]
    )
    return [
        AlignedFace(
            name,
            face,
            len(faces),
            align(pixels, face, template, antialias=True),
        )
        for face in chosen
    ]


def read_crop(name: str, photo: Photo, size: tuple[int, int]) -> AlignedFace:
    """Reads a photo that is an aligned crop of the given size already.

    Raises:
        ValueError, FileNotFoundError: As in `images.read`, and if the size
            is another.
    """
    pixels = images.read(photo, name=name)
    if pixels.shape[:2] != tuple(size):
        raise ValueError(
            f"{name!r} is no aligned crop: {size[0]} x {size[1]} pixels "
            f"were expected, it has {pixels.shape[0]} x {pixels.shape[1]} "
            "(height x width). Embed it as a photo, or align it first."
        )
    return AlignedFace(name, None, 1, pixels)
