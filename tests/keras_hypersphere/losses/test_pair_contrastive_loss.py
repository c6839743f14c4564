import itertools

import keras
import numpy as np
import pytest

from keras_hypersphere.losses.pair_contrastive_loss import PairContrastiveLoss
from keras_hypersphere.testing.gradients import gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 4)).astype("float32")
LABELS = np.array([0, 1, 0, 2, 1, 0, 3])


def oracle(x, labels, loss):
    """(N,) anchor values by a loop over ordered pairs."""
    x, n = x.astype("float64"), len(x)
    values = np.zeros(n)
    for a, b in itertools.permutations(range(n), 2):
        if loss.distance == "cosine":
            sizes = np.linalg.norm(x[a]) * np.linalg.norm(x[b])
            d = 1 - x[a] @ x[b] / sizes
        else:
            d = ((x[a] - x[b]) ** 2).sum()
            d = np.sqrt(d) if loss.distance == "l2" else d
        if labels[a] == labels[b]:
            weight, hinge = loss.positive_weight, d - loss.positive_margin
        else:
            weight, hinge = loss.negative_weight, loss.margin - d
        hinge = max(0.0, hinge)
        values[a] += weight * (hinge**2 if loss.squared else hinge)
    return values * n / (n * (n - 1))


def slopes(x, labels, loss, step=1e-6):
    """Derivative of the mean of the loop's values, by differences."""
    found = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.astype("float64"), x.astype("float64")
        up[index] += step
        down[index] -= step
        rise = oracle(up, labels, loss) - oracle(down, labels, loss)
        found[index] = rise.mean() / (2 * step)
    return found


def run(loss, x=X, labels=LABELS):
    def function(x):
        values = loss.call(labels, x)
        return loss(labels, x), values

    return gradients(function, [x])


@pytest.mark.parametrize("distance", ["l2", "squared-l2", "cosine"])
@pytest.mark.parametrize("squared", [True, False])
def test_follows_the_loop(distance, squared):
    loss = PairContrastiveLoss(
        margin={"l2": 3.0, "squared-l2": 9.0, "cosine": 1.2}[distance],
        positive_margin=0.3,
        distance=distance,
        squared=squared,
        positive_weight=0.7,
        negative_weight=1.3,
    )
    result = run(loss)
    wanted = oracle(X, LABELS, loss)
    np.testing.assert_allclose(result.outputs, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.value, wanted.mean(), rtol=1e-5)
    np.testing.assert_allclose(
        result.inputs[0], slopes(X, LABELS, loss), rtol=1e-4, atol=1e-5
    )


def test_by_hand():
    """Distances 1 (one class), 1 and the root of 2 (two classes)."""
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], "float32")
    loss = PairContrastiveLoss(margin=2.0)
    wanted = (1 + 1 + (2 - np.sqrt(2)) ** 2) / 3
    assert float(loss(np.array([0, 0, 1]), x)) == pytest.approx(wanted)


def test_far_from_the_origin():
    """Moving all embeddings must not cost digits."""
    near = run(PairContrastiveLoss(margin=3.0))
    far = run(PairContrastiveLoss(margin=3.0), X + np.float32(1000))
    np.testing.assert_allclose(far.value, near.value, rtol=1e-3)


@pytest.mark.parametrize("distance", ["l2", "squared-l2", "cosine"])
def test_edges_are_finite(distance):
    loss = PairContrastiveLoss(distance=distance, margin=2.0)
    for x in (
        np.zeros((7, 4)),
        np.tile(X[:1], (7, 1)),
        np.full((7, 4), 1e-20),
        1e15 * np.sign(X),
        3e38 * np.sign(X),
    ):
        result = run(loss, x.astype("float32"))
        assert np.isfinite(result.value)
        assert np.isfinite(result.inputs[0]).all()


def test_no_pairs_are_zero():
    loss = PairContrastiveLoss()
    result = run(loss, X[:1], LABELS[:1])
    assert result.value == 0.0
    assert not result.inputs[0].any()


def test_labels_need_not_be_small():
    labels = np.array([100_000, 3, 100_000, 70_001, 3, 100_000, 0])
    loss = PairContrastiveLoss(dtype="float16")
    assert float(loss(labels, X)) == float(loss(LABELS, X))


def test_arguments_are_checked_and_kept():
    for name, value in (
        ("margin", -1.0),
        ("positive_margin", None),
        ("distance", "l1"),
        ("squared", 2),
        ("positive_weight", "a"),
        ("cross_replica", None),
    ):
        with pytest.raises(ValueError, match=f"`{name}`"):
            PairContrastiveLoss(**{name: value})
    loss = PairContrastiveLoss(distance="cosine", squared=False)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
    with pytest.raises(ValueError, match="argmax"):
        loss(np.eye(7, 4), X)
