import math

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.sphere_face_2 import SphereFace2, first_bias
from keras_hypersphere.models.margin_model import MarginModel
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    G,
    W,
    X,
    check_finite,
    cosine,
    derivatives,
    made,
    numeric,
    output,
)


def adjusted(value):
    return 2 * ((value + 1) / 2) ** 3 - 1


def logits(x, w, bias, margin=0.4, scale=40.0):
    out = np.zeros((6, 5))
    for i, j in np.ndindex(out.shape):
        side = -margin if j == LABELS[i] else margin
        value = cosine(x[i], np.asarray(w)[:, j])
        out[i, j] = scale * (adjusted(value) + side) + bias
    return out


def losses(z, balance=0.7, scale=40.0, weight=50.0):
    """The authors' form: a mean over all N x C answers, times C."""
    total = np.zeros(6)
    for i, j in np.ndindex(z.shape):
        if j == LABELS[i]:
            total[i] += balance * np.logaddexp(0, -z[i, j])
        else:
            total[i] += (1 - balance) * np.logaddexp(0, z[i, j])
    return weight * z.shape[1] / scale * (total / z.shape[1])


def test_equals_the_formula_and_its_derivatives():
    head = made(SphereFace2)
    bias = float(head.bias)
    found = derivatives(head, X, LABELS, losses=True)
    np.testing.assert_allclose(found.outputs, logits(X, W, bias), atol=1e-4)
    value = losses(logits(X, W, bias)).mean()
    assert float(found.value) == pytest.approx(value, rel=1e-5)
    for start, function in (
        (X, lambda x: losses(logits(x, W, bias)).mean()),
        (W, lambda w: losses(logits(X, w, bias)).mean()),
        (np.array(bias), lambda b: losses(logits(X, W, b)).mean()),
    ):
        wanted = numeric(function, start)
        [ours] = [
            g
            for g in (*found.inputs, *found.variables)
            if g.shape == wanted.shape
        ]
        np.testing.assert_allclose(ours, wanted, atol=2e-4, rtol=1e-3)


def test_straight_through_has_the_slope_of_the_cosine():
    head = made(SphereFace2, gradient="straight-through")
    found = derivatives(head, X, LABELS, G)
    wanted = logits(X, W, float(head.bias))
    np.testing.assert_allclose(found.outputs, wanted, atol=1e-4)

    def plain(x):
        total = 0.0
        for i, j in np.ndindex(6, 5):
            total += 40.0 * float(G[i, j]) * cosine(x[i], W[:, j])
        return total

    np.testing.assert_allclose(found.inputs[0], numeric(plain, X), atol=2e-3)


@pytest.mark.parametrize("units", [2, 3, 4, 10, 10_000])
@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_the_bias_begins_in_balance(units, margin):
    """Both sides pull alike, at right angles to every class."""
    bias = first_bias(units, margin, 40.0, 0.7, 3.0)
    middle = 2 * 0.5**3 - 1
    own = 40 * (middle - margin) + bias
    other = 40 * (middle + margin) + bias
    pull = math.log(0.7) - np.logaddexp(0, own)
    push = math.log(0.3 * (units - 1)) - np.logaddexp(0, -other)
    assert pull == pytest.approx(push, abs=1e-9)
    head = SphereFace2(units, margin)
    head.build((None, 3))
    assert float(head.bias) == pytest.approx(bias, rel=1e-6)


def test_one_class_is_legal():
    head = made(SphereFace2, W[:, :1], units=1)
    assert np.isfinite(output(head, labels=np.zeros(6, int))).all()


@pytest.mark.parametrize("gradient", ["exact", "straight-through"])
@pytest.mark.parametrize("power", [1, 3, 1.5])
def test_finite_at_the_ends(gradient, power):
    check_finite(made(SphereFace2, gradient=gradient, power=power))


def test_it_trains_alone_with_weights_and_ignored_samples():
    def fitted(weights=None, **arguments):
        backbone = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(4, kernel_initializer="identity"),
            ]
        )
        head = SphereFace2(5, **arguments)
        model = MarginModel(backbone, head)
        model.compile(keras.optimizers.SGD(0.0))
        head.kernel.assign(W)
        logs = model.fit(X, LABELS, sample_weight=weights, verbose=0).history
        assert sorted(logs) == ["accuracy", "loss", "sphere_face2_loss"]
        return logs["loss"][0]

    each = losses(logits(X, W, first_bias(5, 0.4, 40.0, 0.7, 3.0)))
    weights = np.array([1, 2, 0, 1, 1, 3], "float32")
    assert fitted() == pytest.approx(each.mean(), rel=1e-5)
    assert fitted(weights) == pytest.approx((each * weights).mean(), rel=1e-5)
    assert fitted(ignore_class=2) == pytest.approx(
        each[LABELS != 2].mean(), rel=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"balance": 1.0}, "`balance` must be between 0 and 1"),
        ({"power": 0.5}, "`power` must be a finite number, at least 1"),
        ({"margin": -0.1}, "`margin` must be a finite number, at least 0"),
        ({"loss_weight": -1}, "`loss_weight`"),
        ({"gradient": "caffe"}, "`gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        SphereFace2(5, **arguments)
