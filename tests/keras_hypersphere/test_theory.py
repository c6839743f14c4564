"""The numbers of the papers, and the proofs where they can be computed."""

import math

import numpy as np
import pytest

from keras_hypersphere import theory


def softmax_loss(features, weights, scale):
    """Mean cross-entropy of scaled cosines, class i for row i."""
    logits = scale * features @ weights.T
    logits -= logits.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(logits).sum(axis=1)) - np.diagonal(logits))


def simplex(classes):
    corners = np.eye(classes) - 1.0 / classes
    return corners / np.linalg.norm(corners, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("scale", "loss", "digits"),
    [
        (1, 8.266, 3),
        (4, 5.271, 3),
        (10, 0.3918, 4),
        (20, 2.2e-5, 6),
        (30, 9.9e-10, 11),
    ],
)
def test_lower_bound_of_normface(scale, loss, digits):
    found = theory.softmax_lower_bound(10575, scale)
    assert round(found, digits) == loss


def test_lower_bound_of_one_hand():
    found = theory.softmax_lower_bound(5, 4)
    assert abs(found - 0.026594985) < 1e-9


@pytest.mark.parametrize("classes", [2, 3, 5, 10, 50])
@pytest.mark.parametrize("scale", [0.5, 4.0, 30.0])
def test_lower_bound_is_tight_and_a_bound(classes, scale):
    bound = theory.softmax_lower_bound(classes, scale)
    corners = simplex(classes)
    assert abs(softmax_loss(corners, corners, scale) - bound) < 1e-9
    rng = np.random.default_rng(0)
    for _ in range(20):
        w = rng.normal(size=(classes, classes))
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        assert softmax_loss(w, w, scale) >= bound - 1e-12


def test_lower_bound_at_the_ends():
    assert theory.softmax_lower_bound(1, 5.0) == 0.0
    assert abs(theory.softmax_lower_bound(10, 0.0) - math.log(10)) < 1e-12
    assert theory.softmax_lower_bound(10, 1e6) == 0.0


def test_longer_features_sharpen_the_winner():
    """NormFace, proposition 1."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        logits = rng.normal(size=10)
        before, after = (
            np.exp(s * logits).max() / np.exp(s * logits).sum()
            for s in (1.0, 1.0 + rng.uniform(0.01, 5.0))
        )
        assert after >= before


def test_recommended_scale_of_cosface():
    assert round(theory.recommended_scale(10572, 0.9), 2) == 11.46
    assert theory.recommended_scale(10572) == theory.recommended_scale(
        10572, loss=-math.log(0.9)
    )


@pytest.mark.parametrize("classes", [2, 10, 10572])
@pytest.mark.parametrize("probability", [0.6, 0.9, 0.999])
def test_recommended_scale_inverts_the_bound(classes, probability):
    scale = theory.recommended_scale(classes, probability)
    loss = theory.softmax_lower_bound(classes, scale)
    assert abs(loss + math.log(probability)) < 1e-9


def test_best_probability():
    assert round(theory.best_probability(10), 2) == 0.45
    assert round(theory.best_probability(1000), 4) == 0.0073
    logits = np.array([4.0, -4.0, -4.0])
    expected = np.exp(4.0) / np.exp(logits).sum()
    assert abs(theory.best_probability(3, 4.0) - expected) < 1e-12


def test_saturated_loss():
    assert abs(theory.SATURATED_LOSS - 87.3365) < 1e-4


def test_agent_distortion_is_bounded():
    rng = np.random.default_rng(0)
    for _ in range(100):
        left, right = theory.agent_distortion(
            rng.normal(size=3), rng.normal(size=(20, 3)), rng.normal(size=3)
        )
        assert 0.0 <= left <= right


def test_minimal_margin():
    assert theory.minimal_margin(2) == 2 + math.sqrt(3)
    assert abs(theory.minimal_margin(2) - 3.732) < 1e-3
    assert theory.minimal_margin(3) == theory.minimal_margin(10572) == 3.0


def excess(margin):
    """Largest of class width minus gap, over all angles of two weights."""
    angles = np.linspace(1e-3, math.pi, 2001).tolist()
    angles.append((margin - 1) * math.pi / margin)
    return max(
        theory.class_width(margin, a) - theory.angular_margin(margin, a)
        for a in angles
    )


def test_minimal_margin_of_two_classes_is_where_width_and_gap_meet():
    least = theory.minimal_margin(2)
    assert abs(excess(least)) < 1e-9
    assert excess(least + 0.01) < 0 < excess(least - 0.01)


def test_minimal_margin_of_several_classes():
    """Both neighbors at the same angle: width 2/(m+1), gap (m-1)/(m+1)."""
    least = theory.minimal_margin(5)
    near, far = theory.decision_angles(least, 1.0)
    assert abs(2 * near - (far - near)) < 1e-12
    assert abs(theory.angular_margin(least, 1.0) - (far - near)) < 1e-12


@pytest.mark.parametrize("margin", [1, 2, 3, 4, 7.5])
def test_decision_angles_lie_on_the_boundaries(margin):
    """Where `cos(m theta_1) = cos(theta_2)`, and the other way round."""
    between = 2.0
    near, far = theory.decision_angles(margin, between)
    assert abs(margin * near - (between - near)) < 1e-12
    assert abs(far - margin * (between - far)) < 1e-12
    found = theory.angular_margin(margin, between)
    assert abs(found - (margin - 1) / (margin + 1) * between) < 1e-12


@pytest.mark.parametrize("margin", [2, 3, 4])
@pytest.mark.parametrize("between", [0.5, 1.5, 2.5, 3.1])
def test_class_width_counts_the_circle(margin, between):
    """Angles of a circle that class 1 owns: m theta_1 < theta_2."""
    phi = np.linspace(-math.pi, math.pi, 200_001)
    first, second = (
        np.abs(np.mod(phi - w + math.pi, 2 * math.pi) - math.pi)
        for w in (0.0, between)
    )
    share = np.mean(margin * first < second) * 2 * math.pi
    assert abs(share - theory.class_width(margin, between)) < 1e-4


def test_largest_cosine_margin():
    assert abs(theory.largest_cosine_margin(3, 2) - 1.5) < 1e-12
    assert abs(theory.largest_cosine_margin(3, 3) - 1.5) < 1e-12
    assert theory.largest_cosine_margin(2, 2) == 2.0
    for classes in (3, 5, 9):
        corners = simplex(classes)
        gap = 1.0 - corners[0] @ corners[1]
        found = theory.largest_cosine_margin(classes, classes)
        assert abs(found - gap) < 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.softmax_lower_bound(0, 1.0), "`classes`.*classes=0"),
        (lambda: theory.softmax_lower_bound(2.5, 1.0), "`classes`"),
        (lambda: theory.softmax_lower_bound(5, -1.0), "`scale`.*scale=-1"),
        (lambda: theory.softmax_lower_bound(5, math.nan), "`scale`"),
        (lambda: theory.recommended_scale(1), "`classes`"),
        (lambda: theory.recommended_scale(10, 0.1), "`probability`.*=0.1"),
        (lambda: theory.recommended_scale(10, 1.0), "`probability`"),
        (lambda: theory.recommended_scale(10, loss=3.0), "`loss` must lie"),
        (lambda: theory.minimal_margin(1), "`classes`"),
        (lambda: theory.angular_margin(0.5, 1.0), "`margin`.*margin=0.5"),
        (lambda: theory.angular_margin(4, 3.2), "`between`"),
        (lambda: theory.class_width(1, 1.0), "`margin` must be above 1"),
        (lambda: theory.largest_cosine_margin(5, 1), "`dimensions`"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
