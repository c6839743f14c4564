"""The procedure of NormFace's released scripts, with PCA."""

import numpy as np

from keras_hypersphere.evaluation import rounding, scores
from keras_hypersphere.evaluation.folds import HeldOut

# The first count of components that explains more than this is kept.
EXPLAINED = 0.995


def normface_pca(
    left: np.ndarray,
    right: np.ndarray,
    same: np.ndarray,
    fold: np.ndarray,
    count: int,
    distance: str,
) -> HeldOut:
    """Projects by the training folds' PCA; a linear SVM sets the threshold.

    See `lfw` for the arguments. `"cosine"` and `"l2"` both mean the
    published Euclidean distance of unit vectors.
    """
    distance = "l2" if distance == "cosine" else distance
    error = rounding.error(left, right)
    left, right = scores.as_float64(left, right)
    values = np.empty(len(same))
    limits = np.empty(count)
    correct = np.empty(len(same), bool)
    for index in range(count):
        held = fold == index
        training = ~held
        center, components = principal_components(
            np.concatenate([left[training], right[training]])
        )
        first, second = (
            scores.unit_rows(
                rounding.from_center(side, center, error) @ components
            )
            for side in (left, right)
        )
        distances = scores.pair_scores(first, second, distance)
        values[held] = distances[held]
        accepted, limits[index] = svm_decisions(
            distances[training], same[training], distances[held]
        )
        correct[held] = accepted == same[held]
    return HeldOut(values, limits, correct, False, distance)


def principal_components(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean and, in columns, the components that are kept."""
    center = faces.mean(axis=0)
    centered = faces - center
    variances, directions = np.linalg.eigh(centered.T @ centered)
    variances = np.maximum(variances[::-1], 0.0)
    explained = np.cumsum(variances)
    # Without any variance every direction is as good: keep one.
    kept = int(np.argmax(explained > EXPLAINED * explained[-1])) + 1
    return center, directions[:, ::-1][:, :kept]


def svm_decisions(
    training: np.ndarray, same: np.ndarray, held: np.ndarray
) -> tuple[np.ndarray, float]:
    """Trains a C-SVC (linear, C = 1, no shrinking) on single numbers.

    Returns:
        Which of the `held` numbers it calls "same", and where its sign
        changes. Where it never changes, the threshold lies beyond all
        numbers, on the side that fits its one answer.
    """
    from sklearn.svm import SVC

    machine = SVC(kernel="linear", C=1.0, shrinking=False)
    machine.fit(training[:, None], same)
    weight = float(machine.coef_[0, 0])
    accepted = machine.predict(held[:, None]).astype(bool)
    numbers = np.concatenate([training, held])
    if weight != 0.0:
        limit = -float(machine.intercept_[0]) / weight
        if np.isfinite(limit):
            return accepted, limit
    beyond = numbers.max() + 1.0 if accepted.all() else numbers.min() - 1.0
    return accepted, float(beyond)
