"""What an augmentation is: a change that is made to some photos."""

import abc
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Augmentation(abc.ABC):
    """Changes a photo with some probability, by a generator's draws.

    `augmentation(image, draw)` returns an image of the same shape; the given
    one is left as it is. All chance comes from `draw`, so that a photo is
    augmented in the same way wherever and whenever it is read.

    Args:
        probability: float, 0 to 1.

    Call arguments:
        image: (height, width, 3) uint8 array, RGB.
        draw: `numpy.random.Generator`.

    Raises:
        ValueError: For a probability outside 0 to 1.

    Example:

    >>> import dataclasses
    >>> @dataclasses.dataclass(frozen=True)
    ... class Negative(kh.augmentation.Augmentation):
    ...     def apply(self, image, draw):
    ...         return 255 - image
    >>> negative = Negative(probability=0.5)
    >>> image, draw = np.zeros((1, 1, 3), "uint8"), np.random.default_rng(0)
    >>> [int(negative(image, draw)[0, 0, 0]) for _ in range(4)]
    [0, 255, 255, 255]

    Reference:
        torchvision's transforms, which draw from global generators.
    """

    probability: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError(
                "`probability` must be 0 to 1. Received: "
                f"probability={self.probability!r}."
            )

    def __call__(
        self, image: np.ndarray, draw: np.random.Generator
    ) -> np.ndarray:
        # `random` is below 1.
        if draw.random() >= self.probability:
            return image
        return self.apply(image, draw)

    @abc.abstractmethod
    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        """Returns the changed image."""
