import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.elastic_face import ElasticFace, ranked
from keras_hypersphere.testing.gradients import array
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    G,
    W,
    X,
    check_finite,
    cosine,
    derivatives,
    loops,
    made,
    numeric,
    output,
)

TARGETS = np.array([cosine(X[i], W[:, y]) for i, y in enumerate(LABELS)])


def drawn(head):
    """What the next training step draws."""
    with keras.StatelessScope():
        head.update_state(X, LABELS, None)
        labels = ops.convert_to_tensor(LABELS, dtype="int32")
        margins = head.margins(ops.convert_to_tensor(X), labels)
        return array(margins)[:, 0].astype("float64")


def statement(x, w, margins, kind, scale=2.0):
    def target(value, i):
        if kind == "cos":
            return value - margins[i]
        if value > math.cos(math.pi - margins[i]):
            return math.cos(math.acos(value) + margins[i])
        return value - margins[i] * math.sin(margins[i])

    return loops(x, w, LABELS, scale, target)


@pytest.mark.parametrize("kind", ["arc", "cos"])
@pytest.mark.parametrize("plus", [False, True])
def test_equals_the_formula_with_the_margins_drawn(kind, plus):
    head = made(ElasticFace, scale=2.0, kind=kind, plus=plus, seed=3)
    for _ in range(2):
        margins = drawn(head)
        assert np.ptp(margins) > 0.03
        expected = statement(X, W, margins, kind)
        by_x = numeric(
            lambda x: (statement(x, W, margins, kind) * G).sum(),  # noqa: B023
            X,
        )
        found = derivatives(head, X, LABELS, G)
        np.testing.assert_allclose(found.outputs, expected, atol=1e-5)
        np.testing.assert_allclose(found.inputs[0], by_x, atol=2e-4)
        np.testing.assert_allclose(output(head), expected, atol=1e-5)
        assert np.abs(drawn(head) - margins).max() > 1e-3


def test_margins_are_handed_out_by_rank():
    """The published example, which the authors' code gets wrong."""
    margins = ops.array([0.2, 0.3, 0.1])
    cosines = ops.array([0.5, 0.2, 0.9])
    found = array(ranked(margins, cosines, ops.array([True, True, True])))
    np.testing.assert_allclose(found, [0.2, 0.3, 0.1], rtol=1e-6)
    margins, cosines = ops.array([0.3, 0.1, 0.2]), ops.array([0.5, 0.2, 0.9])
    found = array(ranked(margins, cosines, ops.array([True, True, True])))
    np.testing.assert_allclose(found, [0.2, 0.3, 0.1], rtol=1e-6)
    # One that is ignored takes no rank and no margin of the others.
    found = array(ranked(margins, cosines, ops.array([True, False, True])))
    np.testing.assert_allclose(found[[0, 2]], [0.3, 0.2], rtol=1e-6)


def test_plus_orders_the_margins_against_the_cosines():
    margins = drawn(made(ElasticFace, plus=True, seed=1))
    order = np.argsort(TARGETS)
    assert (np.diff(margins[order]) < 0).all()
    unordered = drawn(made(ElasticFace, seed=1))
    np.testing.assert_allclose(np.sort(margins), np.sort(unordered), rtol=1e-6)


def test_margins_have_the_distribution():
    head = ElasticFace(2, margin=0.35, deviation=0.05, kind="cos", seed=0)
    head.build((None, 4))
    x = ops.zeros((50_000, 4))
    margins = array(head.margins(x, ops.zeros((50_000,), "int32")))
    assert margins.mean() == pytest.approx(0.35, abs=1e-3)
    assert margins.std() == pytest.approx(0.05, rel=0.02)
    wide = ElasticFace(2, margin=0.1, deviation=3.0, seed=0)
    wide.build((None, 4))
    margins = array(wide.margins(x, ops.zeros((50_000,), "int32")))
    assert margins.min() == 0.0
    assert margins.max() == pytest.approx(3.14)


def test_the_seed_is_saved_and_goes_on(tmp_path):
    """A loaded head draws what the saved one would have drawn next."""
    inputs = keras.Input((4,)), keras.Input((), dtype="int32")
    head = ElasticFace(5, seed=5)
    model = keras.Model(inputs, head(*inputs))
    first = output(head)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    again = loaded.layers[-1]
    second = output(head)
    np.testing.assert_allclose(output(again), second, rtol=1e-6)
    assert np.abs(first - second).max() > 1e-3
    # The same seed, the same margins; another, others.
    one, same, other = (
        output(made(ElasticFace, seed=seed)) for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3


def test_no_draw_outside_of_training():
    head = made(ElasticFace, seed=5)
    before = array(head.seed_state)
    output(head, training=False)
    head(X)
    np.testing.assert_array_equal(array(head.seed_state), before)


@pytest.mark.parametrize("gradient", ["exact", "straight-through"])
@pytest.mark.parametrize("kind", ["arc", "cos"])
def test_finite_at_the_ends(gradient, kind):
    """At a cosine of 1 the authors' gradients are not."""
    head = made(ElasticFace, gradient=gradient, kind=kind, plus=True, seed=0)
    check_finite(head)
    check_finite(head, X[:1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "sphere"}, '`kind` must be one of "arc", "cos"'),
        ({"deviation": -0.1}, "`deviation`"),
        ({"margin": 28.6}, "`margin` must be an angle"),
        ({"plus": 1}, "`plus`"),
        ({"seed": 0.5}, "`seed` must be an integer"),
        ({"gradient": "caffe"}, "`gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        ElasticFace(5, **arguments)
