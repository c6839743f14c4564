import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.ada_face import AdaFace
from keras_hypersphere.models.margin_model import MarginModel
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    W,
    X,
    check_exact,
    check_finite,
    loops,
    made,
    output,
)


def set_statistics(head, mean, std):
    head.norm_mean.assign(mean)
    head.norm_std.assign(std)


def statistics(head):
    return float(head.norm_mean), float(head.norm_std)


def bent(value, quality, margin=0.4):
    """The published formula, with an arccos."""
    theta = math.acos(max(-1.0, min(1.0, value))) - margin * quality
    theta = min(max(theta, 1e-3), math.pi - 1e-3)
    return math.cos(theta) - (margin + margin * quality)


def test_equals_the_formula_with_moved_statistics():
    x = X * np.array([1, 3, 9, 10, 20, 30], "float32")[:, None]
    head = made(AdaFace, scale=4.0, momentum=0.5)
    lengths = np.linalg.norm(x.astype("float64"), axis=1)
    mean = 0.5 * 20 + 0.5 * lengths.mean()
    std = 0.5 * 100 + 0.5 * lengths.std(ddof=1)
    quality = np.clip(0.333 * (lengths - mean) / (std + 1e-3), -1, 1)
    assert np.ptp(quality) > 0.1
    found = output(head, x)
    assert statistics(head) == pytest.approx((mean, std), rel=1e-5)
    expected = loops(x, W, LABELS, 4.0, lambda c, i: bent(c, quality[i]))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("mean", [0.0, 100.0])
def test_gradients_do_not_pass_through_the_lengths(mean):
    """At both ends of the quality it is constant, so loops can say them."""
    head = made(AdaFace, scale=2.0, momentum=1e-9)
    set_statistics(head, mean, 0.01)
    quality = 1.0 if mean == 0 else -1.0
    check_exact(
        head,
        lambda x, w: loops(x, w, LABELS, 2.0, lambda c, i: bent(c, quality)),
    )


def test_no_gradient_by_the_length_of_a_feature():
    head = made(AdaFace, momentum=1e-9)
    set_statistics(head, 2.0, 1.0)
    found = check_finite(head, X)
    along = np.sum(found.inputs[0] * X, axis=1)
    np.testing.assert_allclose(along, 0, atol=1e-4)


@pytest.mark.parametrize("mean", [0.0, 50.0, 1e6])
@pytest.mark.parametrize("gradient", ["exact", "straight-through"])
def test_finite_at_the_ends(mean, gradient):
    head = made(AdaFace, gradient=gradient, momentum=1e-9)
    set_statistics(head, mean, 0.0)
    check_finite(head)


def test_a_turned_angle_stays_between_its_bounds():
    head = made(AdaFace, np.eye(2), units=2, scale=1.0, momentum=1e-9)
    right, left = [[5.0, 0.0]], [[-5.0, 0.0]]
    set_statistics(head, 0.0, 0.01)  # quality 1: the angle is turned back
    near = math.cos(1e-3) - 0.8
    assert output(head, right, [0])[0, 0] == pytest.approx(near, abs=1e-6)
    set_statistics(head, 100.0, 0.01)  # quality -1: an angular margin
    assert output(head, left, [0])[0, 0] == pytest.approx(
        -math.cos(1e-3), abs=1e-6
    )
    assert output(head, right, [0])[0, 0] == pytest.approx(
        math.cos(0.4), abs=1e-6
    )


def test_a_batch_of_one_does_not_poison_the_statistics():
    head = made(AdaFace, momentum=0.5)
    assert np.isfinite(output(head, X[:1], LABELS[:1])).all()
    mean = 0.5 * 20 + 0.5 * float(np.linalg.norm(X[0]))
    assert statistics(head) == pytest.approx((mean, 100.0))


def test_only_samples_with_a_length_move_the_statistics():
    """Not those of `ignore_class`, nor NaN, which would stay for ever."""
    x = np.concatenate([X, 1000 * X[:2], np.full((1, 4), np.nan, "f4")])
    labels = np.concatenate([LABELS, [9, 9], [0]])
    head = made(AdaFace, momentum=0.5, ignore_class=9)
    found = output(head, x, labels)
    assert np.isnan(found[-1]).any()
    assert np.isfinite(found[:-1]).all()
    other = made(AdaFace, momentum=0.5)
    output(other, X)
    assert statistics(head) == pytest.approx(statistics(other), rel=1e-6)
    before = statistics(head)
    output(head, X, np.full(6, 9))
    output(head, X, training=False)
    assert statistics(head) == before


@pytest.mark.parametrize("batches", [1, 4])
def test_accumulated_batches_move_the_statistics_as_one(batches):
    """Four batches of one update, all alike, move them as one batch does."""
    backbone = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(4, kernel_initializer="identity"),
        ]
    )
    model = MarginModel(backbone, AdaFace(5, momentum=0.3))
    steps = None if batches == 1 else batches
    model.compile(keras.optimizers.SGD(0.0, gradient_accumulation_steps=steps))
    x, y = np.tile(X, (batches, 1)), np.tile(LABELS, batches)
    model.fit(x, y, batch_size=6, shuffle=False, verbose=0)
    lengths = np.linalg.norm(X, axis=1)
    wanted = 0.7 * 20 + 0.3 * lengths.mean(), 70 + 0.3 * lengths.std(ddof=1)
    assert statistics(model.head) == pytest.approx(wanted, rel=1e-5)


def test_half_precision_is_finite():
    head = made(AdaFace, dtype="mixed_float16")
    x = ops.cast(300 * X, "float16")
    y = ops.convert_to_numpy(head(x, labels=LABELS, training=True))
    assert y.dtype == "float32"
    assert np.isfinite(y).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 28.6}, r"`margin` must be in \[0, pi / 2\)"),
        ({"momentum": 0.0}, "`momentum` must be a number above 0, at most 1"),
        ({"momentum": 1.5}, "`momentum`"),
        ({"concentration": -1}, "`concentration`"),
        ({"gradient": "caffe"}, '"exact", "straight-through"'),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        AdaFace(5, **arguments)
