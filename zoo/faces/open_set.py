"""The threshold at which a gallery says "nobody"."""

import math
import numbers

import numpy as np

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.faces.rates import RateCurve
from keras_hypersphere.zoo.faces.verification import find_threshold

# People without a false identification that show, at 95 %, a rate below R
# are 3 / R: the rule of three.
RULE_OF_THREE = 3.0
# People whose distances would tell `M` as well as the number of photos does.
DOUBTERS = 4
# False reject rate of the distance below which two people are taken for one.
ALIKE = 1 / 3
# Halvings of the range of thresholds: to the last digit.
HALVINGS = 60


def open_set_threshold(
    rate: float,
    others: np.ndarray,
    people: np.ndarray,
    curve: RateCurve,
    limit: float | None = None,
) -> float:
    """The threshold that names this share of impostors as somebody.

    Two things tell how often somebody who is not in the gallery lies nearer
    than `t` to one of its photos:

    * the gallery itself. Each of its photos is an impostor to all other
      people: `G(t)` is the share of photos that lie nearer than `t` to
      somebody else, the mean over the people, each of whom counts once;
    * the card. `far(t)` is the share of pairs of different people that are
      nearer than `t`. An impostor is compared with all `N` photos; were
      these independent, one of them would be nearer with the probability
      `C(t) = 1 - (1 - far(t))^M`, `M = N`. But photos of one person are
      alike, and photos of a gallery may be of a kind of their own, so that
      `M` is matched to the gallery where it knows best, at the median of
      its distances to other people: `C = 1/2` there gives `m`, and the `P`
      people are set against four who would say `N`:
      `ln M = (4 ln N + P ln m) / (4 + P)`.

    So the card gives the shape of the tail, and the gallery its place. The
    tail itself a gallery can tell if it is large: it takes `3 / R` people
    without a false identification to show that the rate is below `R` (the
    rule of three). So the card counts as much as that many people:

        F(t) = (n C(t) + P G(t)) / (n + P),  n = 3 / R

    The threshold is the largest `t` with `F(t) <= R`, of those that the card
    has measured.

    Two people as near as two thirds of all same pairs are (the card's false
    reject rate is 1/3 there) are taken for one with two names, and are left
    out of `G`. Where the card knows no rates, `n` is 0, and the
    threshold is not above the card's; then there must be two people.

    Args:
        rate: `R`, above 0 and below 1.
        others: `(N,)`, how far each photo is from the nearest one of another
            person; infinity where there is nobody else.
        people: `(N,)` integers, the person of each photo.
        curve: The card's rates.
        limit: The card's threshold, None where it is not known.

    Raises:
        ValueError: If the rate is impossible.
    """
    require_rate(rate)
    away, steps, weight = _own_rates(others, people, alike_limit(curve))
    card = RULE_OF_THREE / rate
    compared = _comparisons(len(others), away, steps, weight, curve)

    def falsely_named(threshold: float) -> float:
        place = np.searchsorted(away, threshold, side="left")
        own = float(steps[place])
        if not curve.known:
            return own
        far = curve.far(threshold)
        by_card = 1.0 if far >= 1 else -math.expm1(compared * math.log1p(-far))
        return (card * by_card + weight * own) / (card + weight)

    low = 0.0
    if curve.known:
        # Nothing is known of larger ones.
        high = float(curve.thresholds[-1])
    else:
        high = float(away[-1]) if limit is None else limit
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if falsely_named(middle) <= rate:
            low = middle
        else:
            high = middle
    return low


def grouping_threshold(card: Card, faces: int, rate: float) -> float:
    """A threshold to start with where faces are grouped by person.

    The people are not known: the card alone tells. A face is compared with
    all others; if these were of other people, `rate` is the probability that
    one of them is nearer: `1 - (1 - far(t))^(faces - 1) = rate`.

    Args:
        card: Of the model.
        faces: How many there are.
        rate: The probability.

    Returns:
        The threshold; the card's where it knows no rates.

    Raises:
        ValueError: If the card knows no threshold either.
    """
    curve = RateCurve(card.rates)
    if not curve.known:
        return find_threshold(card)
    others = np.full(max(faces - 1, 1), np.inf)
    return open_set_threshold(rate, others, np.zeros(len(others), int), curve)


def alike_limit(curve: RateCurve) -> float:
    """Nearer than this, two people are taken for one with two names."""
    return curve.rejecting(ALIKE) or 0.0


def require_rate(rate: float) -> None:
    """Raises if it is no false identification rate."""
    real = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
    if not real or not 0 < rate < 1:
        raise ValueError(
            "`false_identification_rate` must be a number above 0 and below "
            f"1, such as 0.01. Received: false_identification_rate={rate!r}"
        )


def _comparisons(
    photos: int,
    away: np.ndarray,
    steps: np.ndarray,
    people: float,
    curve: RateCurve,
) -> float:
    """`M`: how many independent photos a gallery is like."""
    if not len(away) or not curve.known:
        return float(photos)
    median = float(away[np.searchsorted(steps[1:], 0.5)])
    far = curve.far(median)
    if median > curve.thresholds[-1] or far >= 1:
        # The card does not know how rare that is.
        return float(photos)
    own = math.log(0.5) / math.log1p(-far)
    share = people / (DOUBTERS + people)
    return math.exp((1 - share) * math.log(photos) + share * math.log(own))


def _own_rates(
    others: np.ndarray, people: np.ndarray, alike: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Distances, ascending; `G` below each and above all; how many people."""
    used = np.isfinite(others) & (others >= alike)
    away, people = others[used], people[used]
    order = np.argsort(away, kind="stable")
    photos = np.bincount(people) if len(people) else np.zeros(0)
    weight = float((photos > 0).sum())
    shares = 1.0 / photos[people[order]] if weight else np.zeros(0)
    steps = np.concatenate([[0.0], np.cumsum(shares) / max(weight, 1.0)])
    return away[order], steps, weight
