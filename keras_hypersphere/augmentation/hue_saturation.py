"""The hue turned, the saturation scaled, the luma kept."""

import dataclasses
import math

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation

# RGB to luma and two axes of colour (NTSC).
YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]
)


@dataclasses.dataclass(frozen=True)
class HueSaturation(Augmentation):
    """Turns the hue and scales the saturation of a photo.

    A linear map of RGB that keeps gray as it is: the plane of colours of YIQ
    is turned and scaled.

    Args:
        probability: float. Defaults to `0.2`.
        hue: (least, largest) degrees, from red towards yellow. Defaults to
            `(0.0, 20.0)`.
        saturation: (least, largest) factor. Defaults to `(1.0, 1.2)`.

    Example:

    >>> image = np.full((2, 2, 3), 90, "uint8")
    >>> change = kh.augmentation.HueSaturation(probability=1.0)
    >>> int(change(image, np.random.default_rng(0)).max())  # gray stays
    90

    Reference:
        DALI's `hsv`, as InsightFace's loader uses it.
    """

    probability: float = 0.2
    hue: tuple[float, float] = (0.0, 20.0)
    saturation: tuple[float, float] = (1.0, 1.2)

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        import cv2

        angle = math.radians(draw.uniform(*self.hue))
        factor = draw.uniform(*self.saturation)
        c, s = factor * math.cos(angle), factor * math.sin(angle)
        # From red to yellow, as hue is counted.
        turn = np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])
        return cv2.transform(image, np.linalg.solve(YIQ, turn @ YIQ))
