"""Left and right change places."""

import dataclasses

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation


@dataclasses.dataclass(frozen=True)
class Mirror(Augmentation):
    """Mirrors a photo, left to right.

    Args:
        probability: float. Defaults to `0.5`.

    Example:

    >>> image = np.arange(6, dtype="uint8").reshape(1, 2, 3)
    >>> mirror = kh.augmentation.Mirror(probability=1.0)
    >>> mirror(image, np.random.default_rng(0)).tolist()
    [[[3, 4, 5], [0, 1, 2]]]

    Reference:
        torchvision's `RandomHorizontalFlip`, which all recipes use.
    """

    probability: float = 0.5

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        import cv2

        return cv2.flip(image, 1)
