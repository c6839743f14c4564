import math

import numpy as np
import pytest

from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.arc_face import ArcFace
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.combined_margin import CombinedMargin
from keras_hypersphere.layers.sphere_face_r import SphereFaceR
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    X,
    check_exact,
    check_finite,
    loops,
    made,
    output,
)

DEGREES = np.linspace(0, 180, 721)
CIRCLE = np.stack(
    [np.cos(np.radians(DEGREES)), np.sin(np.radians(DEGREES))], axis=1
)


def falling(phi):
    """`cos(phi)` that never rises."""
    k = math.floor(phi / math.pi)
    return (-1) ** k * math.cos(phi) - 2 * k


def on_circle(cls, **arguments):
    """Target cosines with the margin, from 0 to 180 degrees."""
    head = made(cls, np.eye(2), units=2, scale=1.0, **arguments)
    return output(head, CIRCLE, np.zeros(721, int))[:, 0]


@pytest.mark.parametrize("margins", [(0.9, 0.4, 0.15), (1.7, 0.2, 0.1)])
def test_all_three_margins_count(margins):
    m1, m2, m3 = margins
    check_exact(
        made(CombinedMargin, margins=margins, scale=2.0),
        lambda x, w: loops(
            x,
            w,
            LABELS,
            2.0,
            lambda c, i: falling(m1 * math.acos(c) + m2) - m3,
        ),
    )


@pytest.mark.parametrize(
    ("margins", "cls", "arguments"),
    [
        ((1.0, 0.5, 0.0), ArcFace, {"margin": 0.5}),
        ((1.0, 0.0, 0.35), AMSoftmax, {"margin": 0.35}),
        ((1.7, 0.0, 0.0), SphereFaceR, {"margin": 1.7}),
        ((3.0, 0.0, 0.0), ASoftmax, {"margin": 3, "annealing": None}),
    ],
)
def test_special_cases_are_the_other_heads(margins, cls, arguments):
    found = on_circle(CombinedMargin, margins=margins)
    wanted = on_circle(cls, **arguments)
    # cos(m theta) of an angle has the rounding of the cosine, m times.
    np.testing.assert_allclose(found, wanted, atol=5e-6)


def test_arc_and_cosine_margin_together():
    """insightface's class ignores the first where both are given."""
    found = on_circle(CombinedMargin, margins=(1.0, 0.3, 0.2))
    wanted = on_circle(ArcFace, margin=0.3) - 0.2
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("cls", [CombinedMargin, SphereFaceR])
@pytest.mark.parametrize("gradient", ["exact", "straight-through"])
def test_it_falls_all_the_way(cls, gradient):
    arguments = (
        {"margins": (2.3, 0.4, 0.1)}
        if cls is CombinedMargin
        else {"margin": 2.3}
    )
    values = on_circle(cls, gradient=gradient, **arguments)
    assert (np.diff(values) < 0).all()
    check_finite(made(cls, gradient=gradient, **arguments))


def test_sphere_face_r_equals_its_formula():
    check_exact(
        made(SphereFaceR, scale=2.0),
        lambda x, w: loops(
            x, w, LABELS, 2.0, lambda c, i: falling(1.7 * math.acos(c))
        ),
    )
    # The published default scale.
    assert np.ptp(output(made(SphereFaceR))) < 30 * (1 - falling(1.7 * math.pi))


def test_no_margin():
    neutral = made(CombinedMargin, margins=(1, 0, 0))
    assert not neutral.has_margin
    np.testing.assert_array_equal(output(neutral), output(neutral, labels=None))
    assert not SphereFaceR(5, margin=1).has_margin
    assert output(made(SphereFaceR, margin=1.0), X).shape == (6, 5)


@pytest.mark.parametrize(
    ("margins", "message"),
    [
        (0.5, r"three numbers \(m1, m2, m3\)"),
        ((1.0, 0.5), "three numbers"),
        ((0.0, 0.5, 0.0), "m1 above 0"),
        ((1.0, 28.6, 0.0), r"m2 in \[0, pi\).*for degrees"),
        ((1.0, 0.5, None), "`margins` must be a finite number"),
    ],
)
def test_errors_at_construction(margins, message):
    with pytest.raises(ValueError, match=message):
        CombinedMargin(5, margins=margins)


def test_a_margin_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1: it multiplies"):
        SphereFaceR(5, margin=0.5)
