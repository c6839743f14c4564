"""What `load` may be, and the batches that come of it."""

from typing import Any

import numpy as np


class ImageLoader:
    """Turns the images of a batch, by number, into `(x, labels)`.

    Args:
        load: None (x is the numbers), an array with an image a row, or a
            function of the `(B,)` int64 numbers.
        labels: `(N,)` whole numbers.
    """

    def __init__(self, load: Any, labels: np.ndarray) -> None:
        if load is not None and not callable(load):
            if not hasattr(load, "shape") or not hasattr(load, "__getitem__"):
                raise ValueError(
                    "`load` must be None, an array, or a function of the "
                    f"indices of a batch. Received: load={type(load).__name__}"
                    "; wrap a list as `lambda indices: ...`."
                )
            if len(load) != len(labels):
                raise ValueError(
                    "`load` must have as many images as there are labels, "
                    f"{len(labels)}. Received: load.shape="
                    f"{tuple(load.shape)}."
                )
        self.load = load
        self.labels = labels

    def __call__(self, images: np.ndarray) -> tuple[Any, np.ndarray]:
        if self.load is None:
            x = images
        elif callable(self.load):
            x = self.load(images)
        else:
            x = self.load[images]
        return x, self.labels[images]
