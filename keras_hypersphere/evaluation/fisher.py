"""How tight classes are, seen from the origin, against how far apart."""

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks, rounding
from keras_hypersphere.evaluation.classes import class_numbers


def angular_fisher_score(embeddings: ArrayLike, labels: ArrayLike) -> float:
    """Ratio of angular spread within classes to that between classes.

    `AFS = S_w / S_b`, with `S_w = sum_i sum_{x in X_i} (1 - cos<x, m_i>)` and
    `S_b = sum_i n_i (1 - cos<m_i, m>)`: `m_i` is the mean of class i's `n_i`
    raw embeddings, `m` the mean of all. Lower is better.

    Args:
        embeddings: `(N, d)` array.
        labels: `(N,)` array of class labels of any dtype.

    Returns:
        A float, 0 or more: 0 if every embedding points along its class
        mean; `inf` if all class means point the same way.

    Raises:
        ValueError: if the shapes do not fit, if there is only one class, or
            if an embedding, or a mean, is zero and has no direction.

    Example:

    >>> x = [[1.0, 0.1], [1.0, -0.1], [0.1, 1.0], [-0.1, 1.0]]
    >>> round(kh.evaluation.angular_fisher_score(x, [0, 0, 1, 1]), 4)
    0.0169

    Reference:
        SphereFace: Deep Hypersphere Embedding for Face Recognition (2017),
        https://arxiv.org/abs/1704.08063. Means are of raw embeddings, as
        printed there: pass unit vectors for the variant on the sphere.
    """
    x = input_checks.as_embeddings(embeddings, "embeddings")
    index = class_numbers(labels, len(x))
    input_checks.require_finite(x, "embeddings", hint="Leave them out.")
    of_x = rounding.error(x)
    x = x.astype("float64")
    counts = np.bincount(index)
    if len(counts) < 2:
        raise ValueError(
            "`labels` must name two classes or more. "
            f"Received: labels={np.unique(labels).tolist()}."
        )
    # Neither cosine depends on the scale; squares of huge ones overflow.
    x = x / (np.abs(x).max() or 1.0)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, index, x)
    means = sums / counts[:, None]
    units = directions(x, "an embedding")
    class_units = directions(means, "the mean of a class")
    overall = directions(x.mean(0, keepdims=True), "the mean of all")
    within = (1.0 - (units * class_units[index]).sum(1)).sum()
    between = (counts * (1.0 - (class_units @ overall.T).ravel())).sum()
    # Rounding may leave a cosine above 1, or all there is between classes.
    within = max(within, 0.0)
    noise = rounding.of_cosines(np.ones(1), of_x, x.shape[1])
    between = between if between > noise * len(x) else 0.0
    return float(within / between) if between > 0 else float("inf")


def directions(vectors: np.ndarray, what: str) -> np.ndarray:
    """Unit vectors, or an error that names what has no direction."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if (lengths == 0).any():
        raise ValueError(
            f"`embeddings` must have directions. Received: {what} is zero; "
            "leave such samples out."
        )
    return vectors / lengths
