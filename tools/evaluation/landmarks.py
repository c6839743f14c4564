"""Reads landmarks that were found elsewhere."""

import os
from pathlib import Path

import numpy as np

from keras_hypersphere.npz_damage import DAMAGE

POINTS = 5


def read_landmarks(path: "str | os.PathLike") -> dict[str, np.ndarray]:
    """Reads five landmarks for each photo of a set.

    Args:
        path: An `.npz` file with the arrays `names`, `(n,)` paths of photos
            as the list of pairs writes them, and `landmarks`, `(n, 5, 2)`
            positions (x, y) in 0-based pixel coordinates: left eye, right
            eye, nose, left and right corner of the mouth.

    Returns:
        The landmarks of each photo. Rows that are not finite are left out:
        no face was found there.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No such file of landmarks: {path}")
    try:
        # A lone .npy file is an array, which no `with` accepts: TypeError,
        # or AttributeError before Python 3.11.
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except DAMAGE as error:
        raise ValueError(
            f"{path}: not an .npz file with the arrays `names` and "
            f"`landmarks` ({type(error).__name__})."
        ) from error
    if not {"names", "landmarks"} <= set(arrays):
        raise ValueError(
            f"{path}: expected the arrays `names` and `landmarks`. "
            f"Received: {', '.join(sorted(arrays)) or 'no arrays'}."
        )
    names, points = arrays["names"], arrays["landmarks"]
    if names.ndim != 1 or names.dtype.kind != "U":
        raise ValueError(
            f"{path}: `names` must be a vector of texts. "
            f"Received: names of shape {names.shape}, dtype {names.dtype}."
        )
    if (
        points.shape != (len(names), POINTS, 2)
        or points.dtype.kind not in "fiu"
    ):
        raise ValueError(
            f"{path}: `landmarks` must hold numbers of shape "
            f"({len(names)}, {POINTS}, 2), one row for each of `names`. "
            f"Received: landmarks of shape {points.shape}, "
            f"dtype {points.dtype}."
        )
    unique, counts = np.unique(names, return_counts=True)
    if len(unique) < len(names):
        raise ValueError(
            f"{path}: `names` must name each photo once. "
            f"Received: {str(unique[counts > 1][0])!r} twice."
        )
    points = points.astype(np.float64)
    found = np.isfinite(points).all(axis=(1, 2))
    return {
        str(name): row
        for name, row, good in zip(names, points, found, strict=True)
        if good
    }
