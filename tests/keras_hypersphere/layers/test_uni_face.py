import math

import keras
import numpy as np
import pytest

from keras_hypersphere.callbacks.margin_monitor import MarginMonitor
from keras_hypersphere.layers.uni_face import UniFace
from keras_hypersphere.models.margin_model import MarginModel
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    W,
    X,
    check_finite,
    cosine,
    derivatives,
    made,
    numeric,
)


def losses(x, w, bias, margin=0.4, scale=64.0, weight=1.0):
    total = np.zeros(6)
    for i, j in np.ndindex(6, 5):
        value = scale * cosine(x[i], np.asarray(w)[:, j])
        if j == LABELS[i]:
            total[i] += np.logaddexp(0, -(value - scale * margin - bias))
        else:
            total[i] += weight * np.logaddexp(0, value - bias)
    return total


@pytest.mark.parametrize("gradient", ["exact", "straight-through"])
def test_equals_the_formula_and_its_derivatives(gradient):
    head = made(UniFace, gradient=gradient, negative_weight=0.5)
    bias = float(head.bias)
    assert bias == pytest.approx(math.log(50))
    found = derivatives(head, X, LABELS, losses=True)
    value = losses(X, W, bias, weight=0.5).mean()
    assert float(found.value) == pytest.approx(value, rel=1e-5)
    for start, function in (
        (X, lambda x: losses(x, W, bias, weight=0.5).mean()),
        (W, lambda w: losses(X, w, bias, weight=0.5).mean()),
        (np.array(bias), lambda b: losses(X, W, b, weight=0.5).mean()),
    ):
        wanted = numeric(function, start)
        [ours] = [
            g
            for g in (*found.inputs, *found.variables)
            if g.shape == wanted.shape
        ]
        np.testing.assert_allclose(ours, wanted, atol=1e-3, rtol=1e-3)


def test_the_hardest_sample_is_pulled_too():
    """Beyond `scale` the authors' clip takes its gradient away."""
    head = made(UniFace, np.eye(2), units=2)
    found = derivatives(
        head, np.float32([[-1.0, 0.1]]), np.array([0]), losses=True
    )
    assert found.outputs[0, 0] < -64
    assert np.abs(found.inputs[0]).max() > 1


def test_finite_at_the_ends():
    check_finite(made(UniFace))


def test_it_trains_alone_and_the_monitor_knows():
    """A binary loss is not the softmax that `loss_without_margin` is of."""
    backbone = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4, kernel_initializer="identity"),
        ]
    )
    head = UniFace(5, ignore_class=2)
    model = MarginModel(backbone, head)
    model.compile(keras.optimizers.SGD(0.0))
    head.kernel.assign(W)
    weights = np.array([1, 2, 0, 1, 1, 3], "float32")
    logs = model.fit(
        X,
        LABELS,
        sample_weight=weights,
        callbacks=[MarginMonitor()],
        verbose=0,
    ).history
    kept = LABELS != 2
    each = losses(X, W, math.log(50)) * weights
    assert logs["loss"][0] == pytest.approx(each[kept].mean(), rel=1e-5)
    assert "uni_face_loss" in logs
    assert "loss_without_margin" not in logs
    angles = [
        math.degrees(math.acos(cosine(X[i], W[:, y])))
        for i, y in enumerate(LABELS)
        if y != 2
    ]
    assert logs["target_angle"][0] == pytest.approx(np.mean(angles), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"negative_weight": -1}, "`negative_weight`"),
        ({"scale": 0}, "`scale`"),
        ({"gradient": "caffe"}, "`gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        UniFace(5, **arguments)
