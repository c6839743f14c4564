"""Cuts a face out of a photo, upright and at the template's size."""

from collections.abc import Sequence

import cv2
import numpy as np

from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.templates import get_template

# OpenCV's warp refuses a photo with a side of 32,767 pixels or more.
LONGEST_SIDE = 32_766


def align(
    image: np.ndarray,
    points: "np.ndarray | Face",
    template: "str | Template",
    reflection: bool = False,
    antialias: bool = False,
) -> np.ndarray:
    """Warps a photo so that its face lies as the template says.

    Bilinear interpolation. Outside the photo is black; a box ends there.

    Args:
        image: (height, width, 3) or (height, width) uint8 array.
        points: (5, 2) landmarks (x, y) in the photo, 0-based, in the order
            of the template; or a `Face`, as `detect` finds it, which a
            template of a box needs.
        template: A name in `TEMPLATES`, or a `Template`.
        reflection: As in `similarity_transform`.
        antialias: Average a face that shrinks to less than half over whole
            blocks of pixels first. Bilinear interpolation reads four pixels
            whatever the scale. Default: False, as most published procedures.

    Returns:
        The crop, uint8, of the template's size.

    Raises:
        ValueError: If the image is not uint8 of such a shape, or the
            template does not fit the points; or if the face takes more
            than 32,766 pixels of the photo, and `antialias` is False.

    Example:

    >>> import numpy as np
    >>> from keras_hypersphere.zoo import alignment
    >>> photo = np.zeros((200, 300, 3), np.uint8)
    >>> points = [(95, 60), (151, 66), (120, 95), (92, 118), (139, 124)]
    >>> alignment.align(photo, np.array(points), "sphereface").shape
    (112, 96, 3)
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or not image.size:
        raise ValueError(
            "`image` must be a uint8 array (height, width, 3) or "
            "(height, width). "
            f"Received: shape={image.shape}, dtype={image.dtype}"
        )
    template = get_template(template)
    matrix = template.transform(points, image.shape, reflection)
    if antialias:
        image, matrix = shrink(image, matrix)
    if max(image.shape[:2]) > LONGEST_SIDE:
        image, matrix = cut(image, matrix, template.size)
        if max(image.shape[:2]) > LONGEST_SIDE:
            raise ValueError(
                f"A face may take {LONGEST_SIDE} pixels of the photo a side. "
                f"Received: one that takes {image.shape[0]} x "
                f"{image.shape[1]}; say `antialias=True`, or make the photo "
                "smaller."
            )
    height, width = template.size
    outside = (
        cv2.BORDER_CONSTANT if template.black_outside else cv2.BORDER_REPLICATE
    )
    return cv2.warpAffine(
        image,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=outside,
        borderValue=0,
    )


def align_many(
    images: Sequence[np.ndarray],
    points: "Sequence[np.ndarray | Face]",
    template: "str | Template",
    reflection: bool = False,
    antialias: bool = False,
) -> np.ndarray:
    """Warps several photos, or several faces of one: a batch for a network.

    Args:
        images: Photos of any sizes, as in `align`; one photo several times
            for several faces.
        points: The landmarks, or the `Face`, of each.
        template, reflection, antialias: As in `align`.

    Returns:
        (n, height, width, 3) uint8 array; (n, height, width) of gray photos.

    Raises:
        ValueError: If there are not as many photos as faces, and as in
            `align`; the message then begins with the place in the list.

    Example:

    >>> from pathlib import Path
    >>> samples = Path(kh.zoo.__file__).parent / "samples"
    >>> photo = kh.zoo.images.read(samples / "eileen_collins.png")
    >>> faces = kh.zoo.alignment.FaceDetector()(photo)
    >>> kh.zoo.alignment.align_many([photo], faces, "arcface").shape
    (1, 112, 112, 3)
    """
    if len(images) != len(points):
        raise ValueError(
            "`points` must hold the face of each of `images`. Received: "
            f"{len(points)} faces, {len(images)} images"
        )
    template = get_template(template)
    crops = []
    for place, (image, face) in enumerate(zip(images, points, strict=True)):
        try:
            crops.append(align(image, face, template, reflection, antialias))
        except ValueError as error:
            raise ValueError(f"photo {place} of the list: {error}") from None
    return np.stack(crops) if crops else np.empty((0, *template.size, 3), "u1")


def cut(
    image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Cuts out the part of a photo that a crop of the given size shows.

    Returns the part, without a copy, and the matrix that maps its pixels to
    the same crop.
    """
    height, width = size
    inverse = np.linalg.inv(np.vstack([matrix, (0.0, 0.0, 1.0)]))
    x, y = np.meshgrid((0, width - 1), (0, height - 1))
    corners = inverse @ np.stack([x.ravel(), y.ravel(), np.ones(4)])
    places = []
    for position, side in zip(corners[:2], image.shape[1::-1], strict=True):
        # Bilinear interpolation reads one pixel more; one pixel is left of a
        # photo that the crop does not show, for its edge.
        start = np.clip(np.floor(position.min()) - 2, 0, side - 1)
        stop = np.clip(np.ceil(position.max()) + 3, start + 1, side)
        places.append(slice(int(start), int(stop)))
    columns, rows = places
    shift = np.array(
        [[1.0, 0.0, columns.start], [0.0, 1.0, rows.start], [0.0, 0.0, 1.0]]
    )
    return image[rows, columns], matrix @ shift


def shrink(
    image: np.ndarray, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Averages blocks of pixels while the warp would still shrink by 2.

    Returns the smaller image, and the matrix that maps its pixels to the
    same crop.
    """
    scales = np.hypot(matrix[0, :2], matrix[1, :2])
    # A scale of 1/6 is 0.16666…, its inverse must still be 6.
    blocks = (1.0 / np.maximum(scales, 1e-6) + 1e-6).astype(int)
    wide, high = (int(block) for block in np.maximum(blocks, 1))
    height, width = image.shape[0] // high, image.shape[1] // wide
    if max(wide, high) < 2 or not (height and width):
        return image, matrix
    image = cv2.resize(
        image[: height * high, : width * wide],
        (width, height),
        interpolation=cv2.INTER_AREA,
    )
    # Pixel (x, y) stands for the block whose center is at this position.
    enlarge = np.array(
        [
            [wide, 0.0, (wide - 1) / 2.0],
            [0.0, high, (high - 1) / 2.0],
            [0.0, 0.0, 1.0],
        ]
    )
    return image, matrix @ enlarge
