import math

import numpy as np
import pytest

from keras_hypersphere.zoo.faces.rates import RateCurve

POINTS = (
    {"threshold": 0.2, "far": 0.0, "frr": 0.8},
    {"threshold": 0.4, "far": 1e-4, "frr": 0.2},
    {"threshold": 0.5, "far": 1e-3, "frr": 0.1},
    {"threshold": 0.7, "far": 1e-1, "frr": 0.0},
)


def test_points_and_between():
    curve = RateCurve(POINTS)
    for point in POINTS:
        assert curve.at(point["threshold"]) == (
            pytest.approx(point["far"]),
            pytest.approx(point["frr"]),
        )
    # Half way in the logarithm, half way in the false reject rate.
    far, frr = curve.at(0.6)
    assert far == pytest.approx(1e-2) and frr == pytest.approx(0.05)
    # Between none and some there is no logarithm.
    assert curve.at(0.3)[0] == pytest.approx(0.5e-4)


def test_not_measured_is_none():
    curve = RateCurve(POINTS)
    for threshold in (0.19, 0.71, -1.0):
        assert curve.at(threshold) == (None, None)
    assert RateCurve(()).at(0.5) == (None, None)
    assert not RateCurve(()).known
    assert not RateCurve(POINTS[:2]).known


def test_goes_on_below():
    """A tenth for each 0.1, as over the lowest tenfold."""
    curve = RateCurve(POINTS)
    assert curve.far(0.2) == pytest.approx(1e-6)
    assert curve.far(0.9) == pytest.approx(1e-1)
    for far in (1e-9, 1e-5, 3e-4, 1e-3, 2e-2, 1e-1):
        assert curve.far(curve.threshold(far)) == pytest.approx(far)


def test_rejecting():
    curve = RateCurve(POINTS)
    assert curve.rejecting(0.5) == pytest.approx(0.3)
    assert curve.rejecting(0.9) is None
    assert RateCurve(()).rejecting(0.5) is None


def test_steps():
    """Points of one rate do not stop it."""
    flat = [
        {"threshold": 0.1 * n, "far": far, "frr": 0.0}
        for n, far in enumerate((1e-5, 1e-5, 1e-3, 1e-3))
    ]
    curve = RateCurve(flat)
    assert math.isfinite(curve.threshold(1e-8))
    places = np.linspace(-1, 1, 50)
    fars = [curve.far(place) for place in places]
    assert (np.diff(fars) >= 0).all()
