"""Photos turned and scaled about their middle."""

import dataclasses

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation


@dataclasses.dataclass(frozen=True)
class Turn(Augmentation):
    """Turns and scales a photo about its middle; what is beyond is black.

    Args:
        probability: float. Defaults to `0.2`.
        degrees: float, the largest turn to either side. Defaults to `20.0`.
        scale: (least, largest) factor. Defaults to `(0.8, 1.2)`.

    Example:

    >>> image = np.full((112, 112, 3), 255, "uint8")
    >>> turn = kh.augmentation.Turn(1.0, degrees=45.0, scale=(1.0, 1.0))
    >>> turned = turn(image, np.random.default_rng(0))
    >>> turned[56, 56].tolist(), int(turned[0, 0, 0])
    ([255, 255, 255], 0)

    Reference:
        CVLface's `gridsample_v1`, https://github.com/mk-minchul/CVLface.
    """

    probability: float = 0.2
    degrees: float = 20.0
    scale: tuple[float, float] = (0.8, 1.2)

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        import cv2

        rows, columns = image.shape[:2]
        angle = draw.uniform(-self.degrees, self.degrees)
        middle = (columns - 1) / 2, (rows - 1) / 2
        matrix = cv2.getRotationMatrix2D(
            middle, angle, draw.uniform(*self.scale)
        )
        return cv2.warpAffine(image, matrix, (columns, rows))
