"""A part of a photo stays, the rest is black."""

import dataclasses

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation
from keras_hypersphere.augmentation.region import region


@dataclasses.dataclass(frozen=True)
class PastedCrop(Augmentation):
    """Keeps a rectangle at its place, on black: AdaFace's crop.

    It is not resized, so that an aligned face stays aligned.

    Args:
        probability: float. Defaults to `0.2`.
        scale: (least, largest) share of the photo's area. Defaults to
            `(0.2, 1.0)`.
        ratio: (least, largest) width / height. Defaults to `(0.75, 4 / 3)`.

    Example:

    >>> image = np.full((112, 112, 3), 200, "uint8")
    >>> crop = kh.augmentation.PastedCrop(probability=1.0)
    >>> sorted(set(crop(image, np.random.default_rng(0)).ravel().tolist()))
    [0, 200]

    Reference:
        AdaFace (2022), https://arxiv.org/abs/2204.00964; sizes are drawn as
        by torchvision's `RandomResizedCrop`. Where that takes the middle, if
        nothing fits in ten tries, the photo stays as it is.
    """

    probability: float = 0.2
    scale: tuple[float, float] = (0.2, 1.0)
    ratio: tuple[float, float] = (0.75, 4 / 3)

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        found = region(image.shape, self.scale, self.ratio, draw)
        if found is None:
            return image
        top, left, height, width = found
        place = slice(top, top + height), slice(left, left + width)
        kept = np.zeros_like(image)
        kept[place] = image[place]
        return kept
