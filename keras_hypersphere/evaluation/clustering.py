"""Groups faces by person, without knowing the persons."""

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks, scores

LINKAGES = ("average", "complete", "single")


def cluster(
    embeddings: ArrayLike,
    threshold: float,
    distance: str = "cosine",
    linkage: str = "average",
) -> np.ndarray:
    """Joins the nearest groups of faces until none are near enough.

    Agglomerative clustering: every face starts as a group, and the two
    groups of the smallest distance are joined as long as it is below
    `threshold`. FaceNet clusters its users' photos this way; the linkage and
    the threshold are not in the paper.

    Memory grows with the square of the number of faces: 8 bytes for each
    pair, and scikit-learn copies.

    Args:
        embeddings: `(n, d)`, one row a face.
        threshold: groups at this distance or farther stay apart. In units
            of `distance`, as a card's threshold, but that is for two photos:
            among many faces somebody is nearer. Start from where the
            nearest of all others is seldom nearer by chance, at a false
            accept rate of pairs of `1 - 0.99 ** (1 / (n - 1))`.
        distance: `"cosine"` (1 - cosine; a zero vector is at 1 from
            everything), `"l2"` or `"squared-l2"`.
        linkage: the distance of two groups: the `"average"` of all their
            pairs, the largest (`"complete"`) or the smallest (`"single"`).

    Returns:
        `(n,)` integers, the group of each face, numbered from 0 in the order
        of first appearance.

    Example:

    >>> cluster([[1, 0], [0, 1], [1, 0.1], [0.1, 1]], threshold=0.3)
    array([0, 1, 0, 1])

    Reference:

    * [FaceNet](https://arxiv.org/abs/1503.03832), Schroff et al., 2015
    """
    faces = input_checks.as_embeddings(embeddings, "embeddings")
    input_checks.require_finite(faces, "embeddings", hint="Leave them out.")
    input_checks.require_distance(distance)
    threshold = input_checks.as_number(threshold, "threshold", minimum=0.0)
    input_checks.require_choice(linkage, "linkage", LINKAGES)
    if len(faces) == 1:
        return np.zeros(1, int)
    from sklearn.cluster import AgglomerativeClustering

    groups = AgglomerativeClustering(
        n_clusters=None,
        metric="precomputed",
        linkage=linkage,
        distance_threshold=threshold,
    ).fit_predict(_distances(faces.astype(np.float64), distance))
    _, first, places = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[places]


def _distances(faces: np.ndarray, distance: str) -> np.ndarray:
    """Returns the symmetric matrix of distances, zero on its diagonal."""
    if distance == "cosine":
        units = scores.unit_rows(faces)
        matrix = 1.0 - np.clip(units @ units.T, -1.0, 1.0)
    else:
        from sklearn.metrics import pairwise_distances

        # Differences are squared, not products added: no digits cancel.
        with np.errstate(over="ignore"):
            matrix = pairwise_distances(faces, metric="sqeuclidean")
        if not np.isfinite(matrix).all():
            raise ValueError(
                f"Distances overflow float64: `distance={distance!r}` needs "
                "smaller embeddings; divide them by a common number."
            )
        matrix = np.sqrt(matrix) if distance == "l2" else matrix
    np.fill_diagonal(matrix, 0.0)
    return matrix
