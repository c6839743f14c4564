import math

import keras
import numpy as np
import pytest

from keras_hypersphere import theory
from keras_hypersphere.layers.mag_face import MagFace
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.testing.gradients import array
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    G,
    W,
    X,
    check_exact,
    check_finite,
    derivatives,
    loops,
    made,
    numeric,
    output,
)

# Lengths below, within and above the range.
LONG = X * np.array([1, 10, 20, 40, 60, 500], "float32")[:, None]


def clipped(x):
    return np.clip(np.linalg.norm(np.asarray(x, "float64"), axis=1), 10, 110)


def statement(x, w, scale=2.0):
    margins = 0.45 + (0.8 - 0.45) / 100 * (clipped(x) - 10)
    return loops(
        x,
        w,
        LABELS,
        scale,
        lambda c, i: math.cos(math.acos(c) + margins[i]) if c > 0 else c,
    )


def pull(x):
    a = clipped(x)
    return np.mean(35.0 * (a / 110**2 + 1 / a))


def test_equals_the_formula_and_its_derivative_by_the_length():
    inside = (clipped(LONG) > 10) & (clipped(LONG) < 110)
    assert 2 < inside.sum() < 6
    check_exact(made(MagFace, scale=2.0), statement, LONG)


def test_the_added_loss_and_its_gradient():
    head = made(MagFace)
    found = derivatives(head, LONG, LABELS, losses=True)
    assert float(found.value) == pytest.approx(pull(LONG), rel=1e-6)
    np.testing.assert_allclose(
        found.inputs[0], numeric(pull, LONG), atol=1e-6, rtol=1e-3
    )
    # Zero outside of the range.
    np.testing.assert_allclose(found.inputs[0][[0, 5]], 0, atol=1e-8)
    assert np.abs(found.inputs[0][2]).max() > 1e-5


def test_straight_through_leaves_the_length_to_the_added_loss():
    head = made(MagFace, gradient="straight-through", scale=2.0)
    found = derivatives(head, LONG, LABELS, G)
    np.testing.assert_allclose(found.outputs, statement(LONG, W), atol=1e-5)
    along = np.sum(found.inputs[0] * LONG, axis=1)
    np.testing.assert_allclose(along, 0, atol=1e-4)


@pytest.mark.parametrize("gradient", ["exact", "straight-through"])
def test_finite_at_the_ends(gradient):
    check_finite(made(MagFace, gradient=gradient))


def test_the_bound_of_the_regularization():
    """What the authors' program prints for its defaults: 22.6."""
    bound = theory.magface_regularization()
    assert bound == pytest.approx(22.6, abs=0.05)
    assert MagFace(5).regularization > bound
    assert theory.magface_regularization(32.0) == pytest.approx(bound / 2)


def test_weights_and_ignored_samples_reach_the_added_loss():
    def fitted(x, y, weights=None, **arguments):
        backbone = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(4, kernel_initializer="identity"),
            ]
        )
        model = MarginModel(backbone, MagFace(5, **arguments))
        model.compile(keras.optimizers.SGD(0.0))
        return model.fit(x, y, sample_weight=weights, verbose=0).history

    weights = np.array([1, 2, 0, 1, 1, 3], "float32")
    a = clipped(LONG)
    each = 35.0 * (a / 110**2 + 1 / a)
    found = fitted(LONG, LABELS, weights)["mag_face_loss"][0]
    assert found == pytest.approx(np.mean(each * weights), rel=1e-5)
    found = fitted(LONG, LABELS, ignore_class=2)["mag_face_loss"][0]
    assert found == pytest.approx(np.mean(each[LABELS != 2]), rel=1e-5)


def test_without_regularization_nothing_is_added():
    head = made(MagFace, regularization=0.0)
    output(head)
    assert not head.losses
    assert not head.adds_loss
    assert array(head(X)).shape == (6, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"norm_range": (0, 110)}, "`norm_range` must be two lengths"),
        ({"norm_range": (10, 10)}, "`norm_range`"),
        ({"norm_range": (10, None)}, "`norm_range` must be a pair of numbers"),
        ({"norm_range": (110, 10)}, "`norm_range`.*minimum first"),
        ({"margin_range": (0.45, 28.0)}, "`margin_range` must be two angles"),
        ({"regularization": -1}, "`regularization`"),
        ({"gradient": "caffe"}, "`gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        MagFace(5, **arguments)
