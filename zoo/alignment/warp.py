"""Cuts a face out of a photo, upright and at the template's size."""

import cv2
import numpy as np

from keras_hypersphere.zoo.alignment.similarity import similarity_transform
from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.templates import get_template


def align(
    image: np.ndarray,
    points: np.ndarray,
    template: "str | Template",
    reflection: bool = False,
    antialias: bool = False,
) -> np.ndarray:
    """Warps a photo so that its landmarks lie on the template's.

    The similarity of `similarity_transform`, bilinear interpolation, black
    outside the photo.

    Args:
        image: (height, width, 3) or (height, width) uint8 array.
        points: (5, 2) landmarks (x, y) in the photo, 0-based, in the order
            of the template.
        template: A name in `TEMPLATES`, or a `Template`.
        reflection: As in `similarity_transform`.
        antialias: Average a face that shrinks to less than half over whole
            blocks of pixels first. Bilinear interpolation reads four pixels
            whatever the scale. Default: False, as the published procedures.

    Returns:
        The crop, uint8, of the template's size.

    Raises:
        ValueError: If the image is not uint8 of such a shape, or no
            similarity fits the points.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or not image.size:
        raise ValueError(
            "`image` must be a uint8 array (height, width, 3) or "
            "(height, width). "
            f"Received: shape={image.shape}, dtype={image.dtype}"
        )
    template = get_template(template)
    matrix = similarity_transform(points, template, reflection)
    if antialias:
        image, matrix = shrink(image, matrix)
    height, width = template.size
    return cv2.warpAffine(
        image,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )


def shrink(
    image: np.ndarray, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Averages blocks of pixels while the warp would still shrink by 2.

    Returns the smaller image, and the matrix that maps its pixels to the
    same crop.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    # A scale of 1/6 is 0.16666…, its inverse must still be 6.
    block = int(1.0 / max(scale, 1e-6) + 1e-6)
    if block < 2 or block > min(image.shape[:2]):
        return image, matrix
    height, width = image.shape[0] // block, image.shape[1] // block
    image = cv2.resize(
        image[: height * block, : width * block],
        (width, height),
        interpolation=cv2.INTER_AREA,
    )
    # Pixel (x, y) stands for the block whose center is at this position.
    center = (block - 1) / 2.0
    enlarge = np.array(
        [[block, 0.0, center], [0.0, block, center], [0.0, 0.0, 1.0]]
    )
    return image, matrix @ enlarge
