import math

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.curricular_face import CurricularFace
from keras_hypersphere.testing.gradients import array
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    G,
    W,
    X,
    check_exact,
    check_finite,
    cosine,
    derivatives,
    loops,
    made,
    output,
)


def targets(x, w):
    w = np.asarray(w)
    return [cosine(x[i], w[:, y]) for i, y in enumerate(LABELS)]


def target(value, margin=0.5):
    if value > math.cos(math.pi - margin):
        return math.cos(math.acos(value) + margin)
    return value - margin * math.sin(math.pi - margin)


def statement(x, w, t, scale=2.0):
    bars = [math.cos(math.acos(c) + 0.5) for c in targets(x, w)]

    def other(value, i):
        return value * (t + value) if value > bars[i] else value

    return loops(x, w, LABELS, scale, lambda c, i: target(c), other)


def test_t_moves_before_it_is_used():
    head = made(CurricularFace, scale=2.0)
    t = 0.0
    for _ in range(3):
        t = 0.01 * np.mean(targets(X, W)) + 0.99 * t
        found = output(head)
        assert float(head.target_mean) == pytest.approx(t, rel=1e-5)
        np.testing.assert_allclose(found, statement(X, W, t), atol=1e-5)


def test_gradients_equal_derivatives():
    head = made(CurricularFace, scale=2.0, momentum=1e-9)
    head.target_mean.assign(0.3)
    plain = loops(X, W, LABELS, 2.0, lambda c, i: target(c))
    hard = np.abs(statement(X, W, 0.3) - plain) > 1e-6
    assert 3 < hard.sum() < 24
    check_exact(head, lambda x, w: statement(x, w, 0.3))


def test_straight_through_is_the_slope_of_the_plain_logits():
    head = made(CurricularFace, scale=2.0, gradient="straight-through")
    found = derivatives(head, X, LABELS, G)
    unit = W / np.linalg.norm(W, axis=0)
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    flat = 2.0 * (G @ unit.T) / lengths
    along = np.sum(flat * X, axis=1, keepdims=True) / lengths**2
    np.testing.assert_allclose(found.inputs[0], flat - along * X, atol=1e-5)


@pytest.mark.parametrize("gradient", ["exact", "straight-through"])
def test_finite_at_the_ends(gradient):
    """At a cosine of 1 the authors' gradients are not."""
    head = made(CurricularFace, gradient=gradient)
    head.target_mean.assign(0.5)
    check_finite(head)


def test_hard_columns_are_hard_without_the_target_at_hand():
    head = made(CurricularFace, scale=1.0)
    head.target_mean.assign(0.3)
    x = ops.convert_to_tensor(X)
    labels = ops.convert_to_tensor(LABELS, dtype="int32")
    whole = array(head.margin_logits(x, labels))
    for j in range(5):
        some = ops.convert_to_tensor([j], dtype="int32")
        part = array(head.margin_logits(x, labels, classes=some))
        np.testing.assert_allclose(part[:, 0], whole[:, j], atol=1e-6)


def test_ignored_samples_and_evaluation_do_not_move_t():
    head = made(CurricularFace, momentum=0.5, ignore_class=9)
    labels = np.where(LABELS == 2, 9, LABELS)
    found = output(head, X, labels)
    kept = np.array(targets(X, W))[LABELS != 2]
    before = float(head.target_mean)
    assert before == pytest.approx(0.5 * kept.mean(), rel=1e-5)
    plain = array(head(X, training=False))
    np.testing.assert_allclose(found[LABELS == 2], plain[LABELS == 2])
    output(head, X, labels, training=False)
    output(head, X, np.full(6, 9))
    assert float(head.target_mean) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 28.6}, "`margin` must be an angle in radians"),
        ({"momentum": 2.0}, "`momentum`"),
        ({"gradient": "caffe"}, "`gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        CurricularFace(5, **arguments)
