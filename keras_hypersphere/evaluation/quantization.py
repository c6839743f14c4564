"""Embeddings of one byte a dimension."""

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks, scores

# Whole numbers from -127 to 127: as many below zero as above.
LARGEST = 127


def quantize_embeddings(x: ArrayLike) -> np.ndarray:
    """Turns embeddings into one byte a dimension: 128 bytes a face.

    `q = round(127 x / max_i |x_i|)`. An embedding is a direction, so each is
    stretched until its largest entry uses all of the byte, and nothing else
    is stored.

    FaceNet stores 128 bytes for 128 dimensions and does not say how. The
    angle between an embedding and what comes back is at most
    `arcsin(√(d - 1) · m / 254)`, where `m = max_i |x_i| / ‖x‖`. For random
    directions in 128 dimensions it is 0.4 degrees, 0.7 at most.

    Args:
        x: `(n, d)` embeddings, or one of shape `(d,)`. Their lengths are
            lost. A zero vector stays zero.

    Returns:
        int8 array of the same shape.

    Example:

    >>> quantize_embeddings([[0.6, -0.8], [0.0, 2.0]])
    array([[  95, -127],
           [   0,  127]], dtype=int8)

    Reference:

    * [FaceNet](https://arxiv.org/abs/1503.03832), Schroff et al., 2015,
      section 4
    """
    faces = np.asarray(x)
    rows = input_checks.as_embeddings(np.atleast_2d(faces), "x")
    input_checks.require_finite(rows, "x", hint="Leave them out.")
    rows = scores.unit_rows(rows.astype(np.float64))
    largest = np.abs(rows).max(axis=1, keepdims=True)
    steps = np.rint(LARGEST * (rows / np.where(largest > 0, largest, 1.0)))
    return steps.astype(np.int8).reshape(faces.shape)


def dequantize_embeddings(q: ArrayLike) -> np.ndarray:
    """Turns the bytes of `quantize_embeddings` into unit vectors.

    `x = q / ‖q‖`

    Args:
        q: `(n, d)` or `(d,)` int8 array.

    Returns:
        float32 array of the same shape, of rows of length 1; a row of zeros
        stays zero.

    Raises:
        ValueError: If `q` is not int8.

    Example:

    >>> dequantize_embeddings(np.array([[3, 4], [0, -127]], "int8"))
    array([[ 0.6,  0.8],
           [ 0. , -1. ]], dtype=float32)

    Reference:

    * [FaceNet](https://arxiv.org/abs/1503.03832), Schroff et al., 2015,
      section 4
    """
    codes = np.asarray(q)
    if codes.dtype != np.int8:
        raise ValueError(
            "`q` must be the int8 array that `quantize_embeddings` returns. "
            f"Received: q of dtype {codes.dtype}."
        )
    rows = input_checks.as_embeddings(np.atleast_2d(codes), "q")
    rows = scores.unit_rows(rows.astype(np.float64))
    return rows.astype(np.float32).reshape(codes.shape)
