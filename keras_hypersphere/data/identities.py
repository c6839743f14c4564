"""Which images belong to which identity, in arrays: no Python per image."""

from typing import Any, NamedTuple

import numpy as np

LARGEST = 2**31 - 1


class Identities(NamedTuple):
    """Images grouped by label.

    Attributes:
        labels: `(N,)` whole numbers, one an image.
        images: `(N,)` images, those of one identity together, in their order.
        starts: `(I,)` where an identity begins in `images`.
        counts: `(I,)` how many images it has.
        owner: `(N,)` identity of an image, 0 to I - 1 by ascending label.
    """

    labels: np.ndarray
    images: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    owner: np.ndarray

    @classmethod
    def of(cls, labels: Any) -> "Identities":
        """Groups the images of `(N,)` or `(N, 1)` labels; one sort."""
        labels = whole_numbers(labels)
        images = np.argsort(labels, kind="stable")
        ascending = labels[images]
        first = np.ones(len(labels), bool)
        first[1:] = ascending[1:] != ascending[:-1]
        starts = np.flatnonzero(first)
        counts = np.diff(starts, append=len(labels))
        owner = np.empty(len(labels), np.int64)
        owner[images] = np.cumsum(first) - 1
        return cls(labels, images, starts, counts, owner)

    def images_of(self, identities: np.ndarray) -> np.ndarray:
        """All images of some identities."""
        wanted = np.zeros(len(self.counts), bool)
        wanted[identities] = True
        return self.images[np.repeat(wanted, self.counts)]


def whole_numbers(labels: Any, name: str = "labels") -> np.ndarray:
    """`(N,)` integers, or an error that says what to pass."""
    if hasattr(labels, "detach"):
        labels = labels.detach().cpu()
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not len(labels):
        raise ValueError(
            f"`{name}` must hold one class index per image, (N,) or (N, 1). "
            f"Received: {name}.shape={labels.shape}; for one-hot labels, pass "
            f"`np.argmax({name}, axis=-1)`."
        )
    if labels.dtype.kind not in "iuf":
        wrong = np.ones(len(labels), bool)
    else:
        wrong = labels != np.floor(labels)
        # The losses compare int32, exactly.
        wrong |= ~(np.abs(labels.astype(np.float64)) <= LARGEST)
    if wrong.any():
        raise ValueError(
            f"`{name}` must be whole numbers up to {LARGEST}. Received: "
            f"{name}={labels[wrong][0]!r}; number the identities with "
            f"`np.unique({name}, return_inverse=True)[1]`."
        )
    return labels if labels.dtype.kind in "iu" else labels.astype(np.int64)
