"""Distances between vectors that were embedded already."""

import numpy as np

from keras_hypersphere.zoo.faces.distance import row_distances


def compare(u: np.ndarray, v: np.ndarray, distance: str) -> np.ndarray | float:
    """Returns the distances of vectors, broadcast as NumPy does.

    Args:
        u: `(..., dim)` embeddings.
        v: `(..., dim)` embeddings.
        distance: `"l2"`, `"squared-l2"`, or `"cosine"`, which is 1 - cosine.

    Returns:
        A float for two vectors, else an array of the leading shape;
        smaller is more alike.

    Raises:
        ValueError: If they have no numbers in common, or are not finite.
    """
    arrays = []
    for name, value in (("u", u), ("v", v)):
        array = np.asarray(value)
        if not array.ndim or array.dtype.kind not in "iuf":
            raise ValueError(
                f"`{name}` must be embeddings, numbers of shape (..., dim). "
                f"Received: {name} of type {type(value).__name__}, "
                f"shape {array.shape}, dtype {array.dtype}"
            )
        if not np.isfinite(array).all():
            raise ValueError(
                f"`{name}` must be finite. Received: {name} with "
                f"{int((~np.isfinite(array)).sum())} numbers that are not"
            )
        arrays.append(array.astype(np.float64))
    left, right = arrays
    if left.shape[-1] != right.shape[-1]:
        raise ValueError(
            "`u` and `v` must have as many numbers a vector. Received: "
            f"shapes {left.shape} and {right.shape}"
        )
    try:
        left, right = np.broadcast_arrays(left, right)
    except ValueError:
        raise ValueError(
            "`u` and `v` must broadcast: as many rows, or one of them a "
            "vector; `u[:, None]` and `v[None]` give a table. Received: "
            f"shapes {left.shape} and {right.shape}"
        ) from None
    dim = left.shape[-1]
    away = row_distances(
        left.reshape(-1, dim), right.reshape(-1, dim), distance
    )
    return float(away[0]) if left.ndim == 1 else away.reshape(left.shape[:-1])
