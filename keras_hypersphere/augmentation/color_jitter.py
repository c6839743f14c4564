"""Brightness, contrast and saturation by chance."""

import dataclasses

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation


@dataclasses.dataclass(frozen=True)
class ColorJitter(Augmentation):
    """Changes brightness, contrast and saturation, in random order.

    Each by a factor that is uniform in [1 - v, 1 + v]: brightness multiplies
    pixels; contrast moves them from the mean gray of the photo, saturation
    from the gray of the pixel.

    Args:
        probability: float. Defaults to `0.2`.
        brightness: float, v. Defaults to `0.5`.
        contrast: float. Defaults to `0.5`.
        saturation: float. Defaults to `0.5`.

    Example:

    >>> image = np.full((4, 4, 3), 100, "uint8")
    >>> jitter = kh.augmentation.ColorJitter(1.0, contrast=0, saturation=0)
    >>> value = int(jitter(image, np.random.default_rng(0))[0, 0, 0])
    >>> 50 <= value <= 150
    True

    Reference:
        torchvision's `ColorJitter` without hue, which AdaFace uses.
    """

    probability: float = 0.2
    brightness: float = 0.5
    contrast: float = 0.5
    saturation: float = 0.5

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        spread = self.brightness, self.contrast, self.saturation
        factors = [draw.uniform(max(0.0, 1 - v), 1 + v) for v in spread]
        for change in draw.permutation(3):
            image = CHANGES[change](image, factors[change])
        return image


def brightened(image: np.ndarray, factor: float) -> np.ndarray:
    """Pixels times a factor."""
    return mapped(image, factor, 0.0)


def contrasted(image: np.ndarray, factor: float) -> np.ndarray:
    """Pixels away from the photo's mean gray."""
    import cv2

    gray = cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0]
    return mapped(image, factor, (1 - factor) * gray)


def saturated(image: np.ndarray, factor: float) -> np.ndarray:
    """Pixels away from their own gray."""
    import cv2

    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    gray = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, factor, gray, 1 - factor, 0.0)


def mapped(image: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """`factor * pixel + offset`, rounded, 0 to 255."""
    import cv2

    levels = np.rint(np.arange(256) * factor + offset)
    return cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8))


CHANGES = (brightened, contrasted, saturated)
