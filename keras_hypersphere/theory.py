"""What the papers prove about scales and margins, as functions.

Nothing here trains: the functions answer, before a run, which scale and which
margin a number of classes needs, and after it, how far a loss is from what it
can reach. Angles are in radians.

References:

* NormFace: L2 Hypersphere Embedding for Face Verification (2017),
  https://arxiv.org/abs/1704.06369
* SphereFace: Deep Hypersphere Embedding for Face Recognition (2017),
  https://arxiv.org/abs/1704.08063
* CosFace: Large Margin Cosine Loss for Deep Face Recognition (2018),
  https://arxiv.org/abs/1801.09414
"""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

# Caffe takes the logarithm of max(p, smallest normal float32): a loss that
# stands at this number has probabilities of zero for every target.
SATURATED_LOSS = -math.log(float(np.finfo(np.float32).tiny))


def softmax_lower_bound(classes: int, scale: float) -> float:
    """Smallest softmax loss that scaled cosines can reach.

    `log(1 + (n - 1) exp(-n s / (n - 1)))` for `n` balanced classes and scale
    `s`, in nats: every feature lies on its class weight, and the weights are
    as far from each other as possible (a simplex, if there are at least
    `n - 1` dimensions). Where neither is normalized, `s` is the product of
    their lengths.

    Args:
        classes: int, at least 1.
        scale: float >= 0, what cosines are multiplied by.

    Example:

    >>> round(kh.theory.softmax_lower_bound(10575, 1.0), 3)
    8.266
    >>> round(kh.theory.softmax_lower_bound(10575, 10.0), 4)
    0.3918

    Reference:
        NormFace (2017), proposition 2.
    """
    n = _classes(classes, 1)
    scale = _scale(scale)
    if n == 1:
        return 0.0
    # log(1 + e^t) without overflow for a large or negative scale.
    return float(np.logaddexp(0.0, math.log(n - 1) - n / (n - 1) * scale))


def recommended_scale(
    classes: int, probability: float = 0.9, loss: float | None = None
) -> float:
    """Smallest scale with which every target can reach a probability.

    `s = (n - 1) / n * log((n - 1) P / (1 - P))`: the scale whose
    `softmax_lower_bound` is `-log P`. More does no harm to what can be
    reached; the papers train with 20 to 64. With margins choose more.

    Args:
        classes: int, at least 2.
        probability: float, between `1 / classes` and 1. Defaults to `0.9`.
        loss: float > 0, the loss to be reached instead of a probability.
            Defaults to None.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> round(kh.theory.recommended_scale(10572), 2)
    11.46

    Reference:
        CosFace (2018), the bound of section 3.3; it is proposition 2 of
        NormFace (2017), solved for the scale. `loss` is ours.
    """
    n = _classes(classes, 2)
    if loss is not None:
        probability = math.exp(-_number("loss", loss))
        name, given = "loss", loss
    else:
        name, given = "probability", probability
    probability = _number("probability", probability)
    if not 1.0 / n < probability < 1.0:
        wanted = (
            f"between 0 and log(classes) = {math.log(n):.4g}"
            if name == "loss"
            else f"between 1/classes = {1 / n:.4g} and 1"
        )
        raise ValueError(
            f"`{name}` must lie {wanted}. Received: {name}={given}."
        )
    odds = math.log(probability) - math.log1p(-probability)
    return (n - 1) / n * (math.log(n - 1) + odds)


def best_probability(classes: int, scale: float = 1.0) -> float:
    """Largest target probability of one sample whose logits are cosines.

    `e^s / (e^s + (n - 1) e^(-s))`: the target's cosine is 1, all others are
    -1. Unlike `softmax_lower_bound` it speaks of one sample, not of all
    classes at once.

    Args:
        classes: int, at least 1.
        scale: float >= 0. Defaults to `1.0`, bare cosines.

    Example:

    >>> round(kh.theory.best_probability(10), 2)
    0.45
    >>> round(kh.theory.best_probability(1000), 4)
    0.0073

    Reference:
        NormFace (2017), section 3.3.
    """
    n = _classes(classes, 1)
    return 1.0 / (1.0 + (n - 1) * math.exp(-2.0 * _scale(scale)))


def agent_distortion(
    anchor: Sequence[float],
    features: Sequence[Sequence[float]],
    agent: Sequence[float],
) -> tuple[float, float]:
    """Both sides of the bound on what an agent costs instead of samples.

    With distances `d` from an anchor `f0` to the features `f_j` of a class
    and to its agent `W`:
    `mean((d(f0, f_j) - d(f0, W))^2) <= mean(d(f_j, W)^2)`.
    The margins of agent losses should exceed the right side; NormFace
    measured 0.5 to 0.6 and took 1 (contrastive) and 0.8 (triplet).

    Args:
        anchor: `(d,)`, any feature.
        features: `(n, d)`, the features of one class.
        agent: `(d,)`, what stands for the class.

    Returns:
        The left and the right side.

    Example:

    >>> kh.theory.agent_distortion([0.0, 0.0], [[1.0, 0.0]], [0.0, 1.0])
    (0.0, 2.0)

    Reference:
        NormFace (2017), proposition 3.
    """
    f0, f, w = (np.asarray(v, "float64") for v in (anchor, features, agent))
    along = np.linalg.norm(f - f0, axis=-1) - np.linalg.norm(w - f0)
    return (
        float(np.mean(np.square(along))),
        float(np.mean(np.sum(np.square(f - w), axis=-1))),
    )


def decision_angles(margin: float, between: float) -> tuple[float, float]:
    """Where A-Softmax decides, between two class weights.

    For two classes whose weights are `theta12` apart, a feature between them
    belongs to class 1 with a margin where `m theta_1 < theta_2`, and to class
    2 where `m theta_2 < theta_1`. Measured from the first weight, the
    boundaries are `theta12 / (m + 1)` and `m theta12 / (m + 1)`; without a
    margin (m = 1) both are the middle.

    Args:
        margin: float >= 1.
        between: float in (0, pi], the angle between the weights.

    Example:

    >>> kh.theory.decision_angles(4, 1.0)
    (0.2, 0.8)

    Reference:
        SphereFace (2017), table 1 and section 3.4.
    """
    m, angle = _margin(margin), _angle(between)
    return angle / (m + 1.0), m * angle / (m + 1.0)


def angular_margin(margin: float, between: float) -> float:
    """Width of the region between two classes that belongs to neither.

    `(m - 1) / (m + 1) * theta12`, the distance of the `decision_angles`.

    Args:
        margin: float >= 1.
        between: float in (0, pi], the angle between the weights.

    Example:

    >>> round(kh.theory.angular_margin(4, math.pi), 4)
    1.885

    Reference:
        SphereFace (2017), section 3.4.
    """
    m, angle = _margin(margin), _angle(between)
    return (m - 1.0) / (m + 1.0) * angle


def class_width(margin: float, between: float) -> float:
    """Largest angle between two features of one of two classes.

    Towards the other weight a class reaches `theta12 / (m + 1)`; away from
    it `theta12 / (m - 1)`, or `(2 pi - theta12) / (m + 1)` where the other
    weight is nearer the long way round, `theta12 > (m - 1) pi / m`.

    Args:
        margin: float > 1.
        between: float in (0, pi], the angle between the weights.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> kh.theory.class_width(3, 1.0)
    0.75

    Reference:
        SphereFace (2017), proof of property 2.
    """
    m, angle = _margin(margin), _angle(between)
    if m == 1.0:
        raise ValueError(
            "`margin` must be above 1; without a margin a class has no outer "
            f"border. Received: margin={margin}."
        )
    if angle <= (m - 1.0) * math.pi / m:
        return angle / (m - 1.0) + angle / (m + 1.0)
    return (2.0 * math.pi - angle) / (m + 1.0) + angle / (m + 1.0)


def minimal_margin(classes: int) -> float:
    """Smallest A-Softmax margin that keeps classes narrower than their gaps.

    `2 + sqrt(3)` for two classes (the root of `m^2 - 4 m + 1 = 0`), 3 for
    more, evenly spaced. SphereFace chose 4, the next integer for two.

    Args:
        classes: int, at least 2.

    Example:

    >>> round(kh.theory.minimal_margin(2), 3), kh.theory.minimal_margin(10)
    (3.732, 3.0)

    Reference:
        SphereFace (2017), properties 2 and 3.
    """
    return 2.0 + math.sqrt(3.0) if _classes(classes, 2) == 2 else 3.0


def magface_regularization(
    scale: float = 64.0,
    norm_range: tuple[float, float] = (10.0, 110.0),
    margin_range: tuple[float, float] = (0.45, 0.8),
) -> float:
    """Least weight of MagFace's added loss that gives one best length.

    `s K u^2 l^2 / (u^2 - l^2)` with lengths from `l` to `u` and `K` the slope
    of the margin by the length. Below it the loss of a sample may have no
    minimum in its length.

    Args:
        scale: float >= 0, of the head. Defaults to `64.0`.
        norm_range: pair of floats `0 < l < u`. Defaults to `(10, 110)`.
        margin_range: pair of floats, in radians. Defaults to `(0.45, 0.8)`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> round(kh.theory.magface_regularization(), 1)
    22.6

    Reference:
        MagFace (2021), https://arxiv.org/abs/2103.06627, the requirement of
        convergence. The authors train with 35.
    """
    low, high = (_number("norm_range", a) for a in norm_range)
    least, most = (_number("margin_range", m) for m in margin_range)
    if not 0.0 < low < high:
        raise ValueError(
            "`norm_range` must be two lengths above 0, the smaller first. "
            f"Received: norm_range={norm_range!r}."
        )
    slope = (most - least) / (high - low)
    square, other = high * high, low * low
    return _scale(scale) * slope * square * other / (square - other)


def largest_cosine_margin(classes: int, dimensions: int) -> float:
    """Largest margin on the cosine that every class can satisfy.

    `1 - cos(2 pi / n)` in two dimensions, `n / (n - 1)` for at most `d + 1`
    classes. For more classes no formula is known; `n / (n - 1)` is returned,
    which is then out of reach.

    Args:
        classes: int, at least 2.
        dimensions: int, at least 2, the feature size.

    Raises:
        ValueError: If an argument is not such an integer.

    Example:

    >>> round(kh.theory.largest_cosine_margin(8, 2), 4)
    0.2929
    >>> round(kh.theory.largest_cosine_margin(3, 512), 4)
    1.5

    Reference:
        CosFace (2018), section 3.4.
    """
    n = _classes(classes, 2)
    if not isinstance(dimensions, numbers.Integral) or dimensions < 2:
        raise ValueError(
            "`dimensions` must be an integer, at least 2. "
            f"Received: dimensions={dimensions!r}."
        )
    if dimensions == 2:
        return 1.0 - math.cos(2.0 * math.pi / n)
    return n / (n - 1)


def _classes(classes: Any, minimum: int) -> int:
    if not isinstance(classes, numbers.Integral) or classes < minimum:
        raise ValueError(
            f"`classes` must be an integer, at least {minimum}. "
            f"Received: classes={classes!r}."
        )
    return int(classes)


def _number(name: str, value: Any) -> float:
    if not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(
            f"`{name}` must be a finite number. Received: {name}={value!r}."
        )
    return float(value)


def _scale(scale: float) -> float:
    scale = _number("scale", scale)
    if scale < 0.0:
        raise ValueError(
            f"`scale` must not be negative. Received: scale={scale}."
        )
    return scale


def _margin(margin: float) -> float:
    margin = _number("margin", margin)
    if margin < 1.0:
        raise ValueError(
            f"`margin` must be at least 1. Received: margin={margin}."
        )
    return margin


def _angle(between: float) -> float:
    between = _number("between", between)
    if not 0.0 < between <= math.pi:
        raise ValueError(
            "`between` must be an angle in (0, pi], in radians. "
            f"Received: between={between}."
        )
    return between
