import itertools

import keras
import numpy as np
import pytest

from keras_hypersphere.losses.triplet_loss import TripletLoss
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.losses import triplet_oracle as oracle

RNG = np.random.default_rng(0)
KINDS = [
    *itertools.product(
        ["semi-hard", "hard", "all"], ["squared-l2", "l2", "cosine"], [None]
    ),
    *itertools.product(
        ["semi-hard"], ["squared-l2", "l2", "cosine"], ["largest"]
    ),
]
# Compiling takes seconds: each mining, distance and fallback once.
QUICK = {
    ("semi-hard", "squared-l2", None),
    ("semi-hard", "l2", "largest"),
    ("hard", "cosine", None),
    ("all", "l2", None),
}
MARGINS = {"squared-l2": 3.0, "l2": 1.0, "cosine": 0.4}
ANGLES = np.array([0.0, 0.4, 0.6, 0.45, 2.0, 0.1])
ON_CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1).astype("float32")
PAIRS = np.array([0, 0, 1, 1, 2, 2])


def run(loss, x, labels):
    def function(x):
        values = loss.call(labels, x)
        return loss(labels, x), values

    return gradients(function, [x])


def check(loss, x, labels, tolerance=1e-5):
    result = run(loss, x, labels)
    wanted, active = oracle.anchor_values(x, labels, loss)
    np.testing.assert_allclose(
        result.outputs, wanted, rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(result.value, wanted.mean(), rtol=tolerance)
    hinges = sum(1 for _ in active)
    assert hinges
    scale = terms(loss, labels)
    slopes = oracle.slopes(x, active, scale, loss.distance)
    largest = np.abs(slopes).max()
    np.testing.assert_allclose(
        result.inputs[0], slopes, rtol=1e-4, atol=1e-5 * largest
    )


def terms(loss, labels):
    """1 / the number that the sum of all hinges is divided by."""
    same = [(labels == label).sum() for label in labels]
    count = {
        "semi-hard": sum(s - 1 for s in same),
        "all": sum((s - 1) * (len(labels) - s) for s in same),
        "hard": len(labels),
    }[loss.mining]
    return 1.0 / count


@pytest.mark.parametrize(("mining", "distance", "fallback"), KINDS)
def test_follows_the_loop(mining, distance, fallback):
    """Classes of 1 to 6 samples, in no order."""
    labels = np.array([3, 1, 1, 7, 3, 3, 0, 1, 3, 7, 3, 3, 9])
    x = RNG.normal(size=(len(labels), 3)).astype("float32")
    loss = TripletLoss(
        MARGINS[distance], mining=mining, distance=distance, fallback=fallback
    )
    check(loss, x, labels)


@pytest.mark.parametrize("count", [31, 32, 33, 70])
def test_any_number_of_samples(count):
    """Around the number of parts that rows are searched in."""
    labels = RNG.integers(0, 9, count)
    x = RNG.normal(size=(count, 8)).astype("float32")
    for mining in ("semi-hard", "all"):
        check(TripletLoss(2.0, mining=mining), x, labels)


@pytest.mark.parametrize("mining", ["semi-hard", "all"])
def test_more_than_one_tile(mining, monkeypatch):
    """Tiles of 3 anchors, the last one filled up."""
    for name in ("TILE", "COMPILED_TILE"):
        monkeypatch.setattr(f"keras_hypersphere.mining.tiles.{name}", 3 * 23)
    labels = np.r_[np.zeros(8, int), np.ones(5, int), np.arange(2, 12)]
    labels = RNG.permutation(labels)
    x = RNG.normal(size=(23, 4)).astype("float32")
    fallback = "largest" if mining == "semi-hard" else None
    # A margin of its own: JAX keeps what it compiled for larger tiles.
    check(TripletLoss(3.03, mining=mining, fallback=fallback), x, labels)


@pytest.mark.parametrize(
    ("mining", "fallback"),
    [
        ("semi-hard", None),
        ("semi-hard", "largest"),
        ("hard", None),
        ("all", None),
    ],
)
def test_ties_and_duplicates(mining, fallback):
    """Whole numbers, whose distances are exact: equals abound."""
    x = RNG.integers(-1, 2, size=(24, 2)).astype("float32")
    labels = RNG.integers(0, 4, 24)
    for distance in ("squared-l2", "l2"):
        loss = TripletLoss(
            1.5, mining=mining, distance=distance, fallback=fallback
        )
        check(loss, x, labels)


def test_by_hand():
    """Pairs and their negatives, calculated from the angles."""
    loss = TripletLoss()
    result = run(loss, ON_CIRCLE, PAIRS)
    hinges = [0.158772, 0.0, 0.182591, 0.101203, 0.014285, 0.0]
    np.testing.assert_allclose(result.outputs, hinges, atol=1e-6)
    np.testing.assert_allclose(result.value, 0.456851 / 6, rtol=1e-5)
    addons = TripletLoss(fallback="largest")
    assert float(addons(PAIRS, ON_CIRCLE)) == pytest.approx(0.509766, rel=1e-5)


@pytest.mark.parametrize("mining", ["semi-hard", "hard", "all"])
def test_a_hinge_of_exactly_zero_moves_nothing(mining):
    """The anchor's positive at 1, its negative at 4, the margin between."""
    loss = TripletLoss(3.0, mining=mining, reduction=None)
    x = np.array([[0.0], [1.0], [2.0]], "float32")
    labels = np.array([0, 0, 1])

    def function(x):
        value = loss(labels, x)[0]
        return value, value

    result = gradients(function, [x])
    assert result.value == 0
    assert not result.inputs[0].any()


def test_as_far_as_the_positive_is_not_beyond():
    """Positive and one negative at 1, the other negative at 4."""
    x = np.array([[0.0], [1.0], [-1.0], [2.0]], "float32")
    labels = np.array([0, 0, 1, 1])
    values = run(TripletLoss(4.0), x, labels).outputs
    # 0 takes the one at 4: 1 - 4 + 4; 1, whose negatives are at 4 and 1,
    # the one at 4; 2 and 3 are at 9 of each other, beyond all.
    np.testing.assert_allclose(values, [1.0, 1.0, 0.0, 0.0], atol=1e-6)


def test_a_weight_is_an_anchors():
    loss = TripletLoss(3.0, reduction=None)
    x = RNG.normal(size=(6, 3)).astype("float32")
    weights = np.array([0.0, 1.0, 2.0, 0.5, 0.0, 3.0])
    plain = np.array(keras.ops.convert_to_numpy(loss(PAIRS, x)))
    found = keras.ops.convert_to_numpy(loss(PAIRS, x, sample_weight=weights))
    np.testing.assert_allclose(found, plain * weights, rtol=1e-6)


@pytest.mark.parametrize("mining", ["semi-hard", "hard", "all"])
@pytest.mark.parametrize("distance", ["squared-l2", "l2", "cosine"])
def test_nothing_to_learn_is_zero(mining, distance):
    loss = TripletLoss(mining=mining, distance=distance)
    x = RNG.normal(size=(5, 3)).astype("float32")
    cases = {
        "no positives": (x, np.arange(5)),
        "one class": (x, np.zeros(5, int)),
        "one sample": (x[:1], np.zeros(1, int)),
    }
    for what, (x, labels) in cases.items():
        result = run(loss, x, labels)
        assert result.value == 0.0, what
        assert not result.inputs[0].any(), what
    assert float(loss(np.zeros(0, int), np.zeros((0, 3), "float32"))) == 0.0


@pytest.mark.parametrize(("mining", "distance", "fallback"), KINDS)
def test_edges_are_finite(mining, distance, fallback):
    loss = TripletLoss(mining=mining, distance=distance, fallback=fallback)
    some = RNG.normal(size=(6, 3))
    for x in (
        np.zeros((6, 3)),
        np.tile(some[:1], (6, 1)),
        np.repeat(some[:3], 2, axis=0),
        np.full((6, 3), 1e-20),
        1e15 * np.sign(some),
        3e38 * np.sign(some),
        some * [[0], [1], [0], [1], [0], [1]],
    ):
        # The conformance checks go through the half types.
        result = run(loss, x.astype("float32"), PAIRS)
        assert np.isfinite(result.value)
        assert np.isfinite(result.inputs[0]).all()


def test_collapse_is_the_margin():
    """All embeddings at one point: every triplet costs the margin."""
    x = np.tile(ON_CIRCLE[:1], (6, 1))
    for mining, fallback in (
        ("hard", None),
        ("all", None),
        ("semi-hard", "largest"),
    ):
        loss = TripletLoss(0.3, mining=mining, fallback=fallback)
        assert float(loss(PAIRS, x)) == pytest.approx(0.3, abs=1e-6)


def test_labels_need_not_be_small():
    labels = np.array([100_000, 100_000, 3, 3, 70_001, 70_001])
    for given in (labels, labels.astype("int64"), labels.astype("float32")):
        found = float(TripletLoss(dtype="float16")(given, ON_CIRCLE))
        assert found == float(TripletLoss()(PAIRS, ON_CIRCLE))


@pytest.mark.only_on("tensorflow", "jax", reason="Keras compiles nothing here")
@pytest.mark.parametrize(
    ("mining", "distance", "fallback"),
    [
        kind
        if kind == KINDS[0]
        else pytest.param(
            *kind,
            marks=pytest.mark.slow if kind in QUICK else pytest.mark.everything,
        )
        for kind in KINDS
    ],
)
def test_compiled_is_the_same(mining, distance, fallback):
    """Losses and weights of three steps, XLA on and off."""
    labels = np.arange(24) % 5
    x = RNG.normal(size=(24, 4)).astype("float32")
    found = []
    for compiled in (False, True):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        loss = TripletLoss(1.0, mining, distance, fallback)
        model.compile(
            keras.optimizers.SGD(0.05), loss=loss, jit_compile=compiled
        )
        logs = model.fit(x, labels, batch_size=24, epochs=3, verbose=0)
        found.append([logs.history["loss"], *model.get_weights()])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_arguments_are_checked_and_kept():
    for name, value in (
        ("margin", -1.0),
        ("margin", None),
        ("mining", "easy"),
        ("distance", "l1"),
        ("fallback", "smallest"),
        ("cross_replica", None),
    ):
        with pytest.raises(ValueError, match=f"`{name}`.*Received"):
            TripletLoss(**{name: value})
    with pytest.raises(ValueError, match="semi-hard"):
        TripletLoss(mining="all", fallback="largest")
    loss = TripletLoss(0.5, distance="cosine", fallback="largest")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    with pytest.raises(ValueError, match="argmax"):
        loss(np.eye(6), ON_CIRCLE)
