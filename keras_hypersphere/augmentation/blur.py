"""Photos out of focus."""

import dataclasses

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation


@dataclasses.dataclass(frozen=True)
class Blur(Augmentation):
    """Gaussian blur, with a window of random size.

    The deviation is that of the window, about `0.15 w + 0.35` pixels: windows
    up to 7 have the weights of a binomial, as OpenCV has them.

    Args:
        probability: float. Defaults to `0.2`.
        windows: odd ints, of which one is drawn, in pixels. Defaults to
            `(3, 5)`.

    Example:

    >>> image = np.zeros((9, 9, 3), "uint8")
    >>> image[4, 4] = 255
    >>> blur = kh.augmentation.Blur(1.0, windows=(3,))
    >>> blur(image, np.random.default_rng(0))[3:6, 3:6, 0].tolist()
    [[16, 32, 16], [32, 64, 32], [16, 32, 16]]

    Reference:
        DALI's `gaussian_blur`, as InsightFace's loader uses it.
    """

    probability: float = 0.2
    windows: tuple[int, ...] = (3, 5)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.windows or any(w < 1 or w % 2 == 0 for w in self.windows):
            raise ValueError(
                "`windows` must be odd numbers of pixels. Received: "
                f"windows={self.windows!r}."
            )

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        import cv2

        window = self.windows[int(draw.integers(len(self.windows)))]
        return cv2.GaussianBlur(image, (window, window), 0)
