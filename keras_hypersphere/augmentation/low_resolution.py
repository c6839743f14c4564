"""Photos as small ones look when they are enlarged."""

import dataclasses

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation

# OpenCV's numbers of them.
INTERPOLATIONS = {
    "nearest": 0,
    "linear": 1,
    "cubic": 2,
    "area": 3,
    "lanczos": 4,
}


@dataclasses.dataclass(frozen=True)
class LowResolution(Augmentation):
    """Makes a photo small, and large again.

    Args:
        probability: float. Defaults to `0.2`.
        ratio: (least, largest) share of the sides. Defaults to `(0.2, 1.0)`.
        interpolations: names, `"nearest"`, `"linear"`, `"cubic"`, `"area"`,
            `"lanczos"`, of which one is drawn on the way down and one on the
            way up. Defaults to all.

    Example:

    >>> draw = np.random.default_rng(0)
    >>> image = draw.integers(0, 256, (112, 112, 3), "uint8")
    >>> low = kh.augmentation.LowResolution(1.0, ratio=(0.2, 0.21))
    >>> smooth = low(image, draw)
    >>> smooth.shape, bool(smooth.std() < image.std())
    ((112, 112, 3), True)

    Reference:
        AdaFace (2022), https://arxiv.org/abs/2204.00964, whose ranges are
        the defaults.
    """

    probability: float = 0.2
    ratio: tuple[float, float] = (0.2, 1.0)
    interpolations: tuple[str, ...] = tuple(INTERPOLATIONS)

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        import cv2

        rows, columns = image.shape[:2]
        share = draw.uniform(*self.ratio)
        down, up = (
            INTERPOLATIONS[self.interpolations[i]]
            for i in draw.integers(len(self.interpolations), size=2)
        )
        size = max(1, int(share * columns)), max(1, int(share * rows))
        small = cv2.resize(image, size, interpolation=down)
        return cv2.resize(small, (columns, rows), interpolation=up)
