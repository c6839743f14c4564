"""Photos without colours."""

import dataclasses

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation


@dataclasses.dataclass(frozen=True)
class Gray(Augmentation):
    """Takes the colours out of a photo, which keeps three channels.

    Args:
        probability: float. Defaults to `0.2`.

    Example:

    >>> image = np.array([[[255, 0, 0]]], "uint8")
    >>> gray = kh.augmentation.Gray(probability=1.0)
    >>> gray(image, np.random.default_rng(0)).tolist()
    [[[76, 76, 76]]]

    Reference:
        torchvision's `Grayscale`, with the weights of ITU-R BT.601.
    """

    probability: float = 0.2

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        import cv2

        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB)
