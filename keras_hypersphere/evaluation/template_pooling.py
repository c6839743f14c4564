"""Templates: many photos and videos of a person as one embedding."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.scores import as_float64, unit_rows


def templates(
    embeddings: ArrayLike,
    template_ids: Sequence | np.ndarray,
    media_ids: Sequence | np.ndarray,
    failed: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Averages the faces of each template, medium by medium.

    The frames of a video look alike, and must not outvote the photos. So the
    faces of a medium of a template are averaged first, `m_j = mean_i x_ij`,
    then its media, `t = mean_j m_j`, and the result has the length 1,
    `t / ‖t‖`; a mean of zero stays zero, whose cosine with all is 0.

    Args:
        embeddings: `(n, d)` of faces, as they are: the longer one is, the
            more it weighs. Divide them by their lengths first if all faces
            of a medium are to count alike.
        template_ids: `(n,)`, the template of each face.
        media_ids: `(n,)`, its photo or video. One medium may be in several
            templates.
        failed: optional `(n,)` booleans: faces without an embedding. They
            are left out; their rows are not read. A template without any
            face left is one of zeros.

    Returns:
        `(t, d)` float64 vectors of length 1, and `(t,)` their ids, sorted.

    Raises:
        ValueError: If the arguments do not fit together, or embeddings that
            did not fail are not finite.

    Example:

    >>> vectors, ids = templates(
    ...     [[1, 0], [1, 0], [0, 1]], [7, 7, 7], ["video", "video", "photo"])
    >>> ids.tolist(), vectors.round(4).tolist()
    ([7], [[0.7071, 0.7071]])

    Reference:

    * [IARPA Janus Benchmark - C](
      https://doi.org/10.1109/ICB2018.2018.00033), Maze et al., 2018; the
      averages are those of the protocol's published evaluations.
    """
    vectors = input_checks.as_embeddings(embeddings, "embeddings")
    owners = []
    for name, each in (
        ("template_ids", template_ids),
        ("media_ids", media_ids),
    ):
        array = np.asarray(each)
        if array.shape != (len(vectors),):
            raise ValueError(
                f"`{name}` must name that of each of the {len(vectors)} "
                f"faces. Received: {name} of shape {array.shape}."
            )
        owners.append(np.unique(array, return_inverse=True))
    (ids, template), (_, medium) = owners
    if failed is None:
        failed = np.zeros(len(vectors), bool)
    used = ~input_checks.as_flags(failed, "failed", len(vectors), "faces")
    input_checks.require_finite(
        vectors[used],
        "embeddings",
        hint="Faces without one are marked with `failed`.",
    )
    pairs, group = np.unique(
        np.stack([template.reshape(-1), medium.reshape(-1)])[:, used],
        axis=1,
        return_inverse=True,
    )
    rows = vectors[used]
    if len(rows):
        rows, _ = as_float64(rows, rows)
    means = _means(rows, group.reshape(-1), pairs.shape[1])
    means = _means(means, pairs[0], len(ids))
    return unit_rows(means), ids


def _means(rows: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The mean of the rows of each group, zero for one without rows."""
    sums = np.zeros((groups, rows.shape[1]))
    np.add.at(sums, group, rows)
    counts = np.bincount(group, minlength=groups)
    return sums / np.maximum(counts, 1)[:, None]
