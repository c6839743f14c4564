"""Augmentations made of others."""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_hypersphere.augmentation.augmentation import Augmentation

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclasses.dataclass(frozen=True)
class InTurn(Augmentation):
    """One augmentation after the other.

    Args:
        probability: float, of all of them. Defaults to `1.0`.
        augmentations: tuple of augmentations.

    Example:

    >>> both = kh.augmentation.InTurn(
    ...     augmentations=(kh.augmentation.Mirror(), kh.augmentation.Gray())
    ... )
    >>> both(np.zeros((2, 2, 3), "uint8"), np.random.default_rng(0)).shape
    (2, 2, 3)

    Reference:
        torchvision's `Compose`.
    """

    augmentations: tuple[Change, ...] = ()

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        for change in self.augmentations:
            image = change(image, draw)
        return image


@dataclasses.dataclass(frozen=True)
class OneOf(Augmentation):
    """One of some augmentations, each as likely as the others.

    Args:
        probability: float, that one is drawn at all. Defaults to `1.0`.
        augmentations: tuple of augmentations.

    Example:

    >>> one = kh.augmentation.OneOf(
    ...     0.2, (kh.augmentation.Gray(1.0), kh.augmentation.Blur(1.0))
    ... )
    >>> one(np.zeros((9, 9, 3), "uint8"), np.random.default_rng(0)).shape
    (9, 9, 3)

    Reference:
        torchvision's `RandomChoice`.
    """

    augmentations: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.augmentations:
            raise ValueError(
                "`augmentations` must hold at least one. Received: "
                "augmentations=()."
            )

    def apply(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        which = int(draw.integers(len(self.augmentations)))
        return self.augmentations[which](image, draw)
