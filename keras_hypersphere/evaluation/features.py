"""Features of several networks, or patches, as one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks, scores


def concatenate_features(
    features: Sequence[ArrayLike], normalize: bool = False
) -> np.ndarray:
    """Joins what several networks say about the same faces.

    `y = [x_1, x_2, …]`, or with `normalize=True`
    `y = [x_1 / ‖x_1‖, x_2 / ‖x_2‖, …]`. SphereFace joins the features of a
    photo and its mirror image, and for MegaFace those of three networks for
    three patches of the face, as they are: the cosine of the whole then
    weighs each part by its length. Normalized parts weigh the same: the
    cosine of the whole is the mean of the parts' cosines.

    Args:
        features: arrays `(n, d_i)`, row `i` of each being face `i`.
        normalize: whether to give each part unit length first. A zero
            vector stays zero.

    Returns:
        `(n, d_1 + d_2 + …)` array; its own length is not normalized.

    Raises:
        ValueError: If there is no array, or they are not of as many faces.

    Example:

    >>> concatenate_features([[[3.0, 4.0]], [[0.0, 2.0]]])
    array([[3., 4., 0., 2.]])
    >>> concatenate_features([[[3.0, 4.0]], [[0.0, 2.0]]], normalize=True)
    array([[0.6, 0.8, 0. , 1. ]])

    Reference:

    * [SphereFace](https://arxiv.org/abs/1704.08063), Liu et al., 2017
    """
    if not len(features):
        raise ValueError("`features` must hold at least one array.")
    parts = [
        input_checks.as_embeddings(part, f"features[{index}]")
        for index, part in enumerate(features)
    ]
    counts = [len(part) for part in parts]
    if len(set(counts)) > 1:
        raise ValueError(
            "`features` must be of the same faces, one row each. "
            f"Received: {', '.join(map(str, counts))} rows."
        )
    for index, part in enumerate(parts):
        input_checks.require_finite(
            part, f"features[{index}]", hint="Leave them out."
        )
    kind = np.result_type(*parts, np.float16)
    if normalize:
        parts = [scores.unit_rows(part.astype(np.float64)) for part in parts]
    return np.concatenate(parts, axis=1).astype(kind)
