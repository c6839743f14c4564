"""A rectangle of a photo is covered."""

import dataclasses

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation
from keras_hypersphere.augmentation.region import region


@dataclasses.dataclass(frozen=True)
class Erasing(Augmentation):
    """Covers a rectangle with black, as a hand or a mask would.

    Args:
        probability: float. Defaults to `0.2`.
        scale: (least, largest) share of the photo's area. Defaults to
            `(0.02, 0.33)`.
        ratio: (least, largest) width / height. Defaults to `(0.3, 3.3)`.

    Example:

    >>> image = np.full((112, 112, 3), 200, "uint8")
    >>> erase = kh.augmentation.Erasing(probability=1.0)
    >>> share = (erase(image, np.random.default_rng(0)) == 0).mean()
    >>> bool(0.01 < share < 0.34)
    True

    Reference:
        Random Erasing Data Augmentation (2017),
        https://arxiv.org/abs/1708.04896, with the ranges of torchvision's
        `RandomErasing`, which erases with 0 too.
    """

    probability: float = 0.2
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        found = region(image.shape, self.scale, self.ratio, draw)
        if found is None:
            return image
        top, left, height, width = found
        erased = image.copy()
        erased[top : top + height, left : left + width] = 0
        return erased
