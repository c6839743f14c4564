"""Every decision that a list of scores allows, by counting.

Sorted scores fall into groups of equal values. A threshold can only part the
groups, so `k` distinct scores allow exactly `k + 1` decisions, from "nobody"
to "everybody"; two running counts describe them all. Scores here are
oriented: larger means more alike.
"""

import numpy as np


def count_accepted(
    scores: np.ndarray, same: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts what each decision accepts.

    Args:
        scores: `(n,)` in descending order.
        same: `(n,)` booleans in the same order.

    Returns:
        The `k` distinct scores, descending, and for each of the `k + 1`
        decisions the accepted same and the accepted different pairs.
    """
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    accepted = np.concatenate([[0], ends + 1])
    accepted_same = np.concatenate([[0], np.cumsum(same)[ends]])
    return scores[ends], accepted_same, accepted - accepted_same


def thresholds(values: np.ndarray) -> np.ndarray:
    """Returns one threshold per decision; a score >= it is accepted.

    Between two neighboring scores the middle; beyond the largest and the
    smallest a step that survives float32.
    """
    upper, lower = values[:-1], values[1:]
    middle = 0.5 * upper + 0.5 * lower
    # The middle of two adjacent floats may round down to the lower one.
    middle = np.where(middle > lower, middle, upper)
    above = values[0] + 2.0**-20 * max(abs(values[0]), 1.0)
    below = values[-1] - 2.0**-20 * max(abs(values[-1]), 1.0)
    return np.concatenate([[above], middle, [below]])


def best_decision(
    values: np.ndarray,
    accepted_same: np.ndarray,
    accepted_different: np.ndarray,
) -> int:
    """Returns the index of the decision with the fewest errors.

    Of several, the one in the widest gap between neighboring scores, which
    depends least on the pairs at hand; accepting nobody or everybody comes
    last, and of equal gaps the strictest wins.
    """
    # Correct answers, but for the constant number of different pairs.
    correct = accepted_same - accepted_different
    gaps = np.concatenate([[0.0], values[:-1] - values[1:], [0.0]])
    best = np.flatnonzero(correct == correct.max())
    return int(best[np.argmax(gaps[best])])
