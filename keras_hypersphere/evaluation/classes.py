"""The class of each embedding."""

import numpy as np
from numpy.typing import ArrayLike


def class_numbers(labels: ArrayLike, count: int) -> np.ndarray:
    """Returns labels of any dtype, one for each row, as numbers from 0."""
    classes = np.asarray(labels)
    if classes.shape != (count,):
        raise ValueError(
            f"`labels` must hold one label for each of the {count} "
            f"embeddings. Received: labels of shape {classes.shape}."
        )
    # Alone NaN, and NaT, is not what it is.
    unknown = classes != classes
    if unknown.any():
        raise ValueError(
            "`labels` must name a class for each embedding. Received: NaN at "
            f"index {int(unknown.argmax())}; leave such samples out."
        )
    try:
        return np.unique(classes, return_inverse=True)[1]
    except TypeError as error:
        raise ValueError(
            "`labels` must be of one type, numbers or texts. "
            f"Received: {error}."
        ) from error
