import numpy as np
import pytest
from keras import ops

from keras_hypersphere.mining import (
    hard_negatives,
    hard_positives,
    semi_hard_negatives,
)
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.losses import triplet_oracle as oracle

RNG = np.random.default_rng(0)
LABELS = np.array([2, 0, 0, 5, 2, 2, 0, 1, 2, 5])
# Few different values: equals abound.
EQUALS = RNG.integers(0, 5, size=(10, 10)).astype("float32")
DIFFERENT = RNG.permutation(100).reshape(10, 10).astype("float32")


def numpy(*tensors):
    return [ops.convert_to_numpy(t) for t in tensors]


def loop(d, labels, others=None, offset=0, **options):
    """(N, M) indices of the chosen negatives, -1 for none."""
    others = labels if others is None else others
    found = np.full(d.shape, -1)
    for a, p in np.ndindex(d.shape):
        if labels[a] == others[p] and p != (a + offset if offset >= 0 else -1):
            n = oracle.semi_hard(d, labels, a, p, others=others, **options)
            found[a, p] = -1 if n is None else n
    return found


@pytest.mark.parametrize("d", [EQUALS, DIFFERENT], ids=["equals", "different"])
@pytest.mark.parametrize("fallback", [None, "largest"])
@pytest.mark.parametrize("margin", [None, 2.0, 30.0])
def test_semi_hard_negatives_follow_the_loop(d, fallback, margin):
    options = {"margin": margin, "fallback": fallback}
    weights = RNG.normal(size=d.shape).astype("float32")

    def function(d):
        chosen, valid = semi_hard_negatives(d, LABELS, **options)
        return ops.sum(ops.multiply(chosen, weights)), (chosen, valid)

    result = gradients(function, [d])
    options["margin"] = np.inf if margin is None else margin
    wanted = loop(d, LABELS, **options)
    chosen, valid = result.outputs
    np.testing.assert_array_equal(valid, wanted >= 0)
    slopes = np.zeros(d.shape)
    for a, p in np.argwhere(wanted >= 0):
        assert chosen[a, p] == d[a, wanted[a, p]]
        # Equals apart: the gradient goes to the first of them.
        slopes[a, wanted[a, p]] += weights[a, p]
    assert not chosen[~valid].any()
    np.testing.assert_allclose(result.inputs[0], slopes, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("offset", [3, -1])
def test_anchors_among_others(offset):
    """Rows 3 to 6 of the references, or none of them."""
    labels, d = LABELS[3:7], EQUALS[3:7]
    found = semi_hard_negatives(d, labels, LABELS, offset=offset)
    wanted = loop(d, labels, LABELS, offset)
    chosen, valid = numpy(*found)
    np.testing.assert_array_equal(valid, wanted >= 0)
    picked = np.take_along_axis(d, np.maximum(wanted, 0), axis=1)
    np.testing.assert_array_equal(chosen, np.where(valid, picked, 0))
    distance, valid = numpy(hard_positives(d, labels, LABELS, offset)[0], valid)
    for a, label in enumerate(labels):
        own = [p for p in np.flatnonzero(label == LABELS) if p != a + offset]
        if offset < 0:
            own = np.flatnonzero(label == LABELS)
        assert distance[a] == (d[a][own].max() if len(own) else 0)


def test_hard_ones_follow_the_loop():
    weights = RNG.normal(size=10).astype("float32")

    def function(d):
        near, has_near = hard_negatives(d, LABELS)
        far, has_far = hard_positives(d, LABELS)
        value = ops.sum(ops.multiply(far - 2 * near, weights))
        return value, (near, has_near, far, has_far)

    result = gradients(function, [EQUALS])
    near, has_near, far, has_far = result.outputs
    slopes = np.zeros(EQUALS.shape)
    for a, row in enumerate(EQUALS):
        positives = [p for p in range(10) if LABELS[p] == LABELS[a] and p != a]
        negatives = [n for n in range(10) if LABELS[n] != LABELS[a]]
        assert has_near[a]
        nearest = min(negatives, key=lambda n: row[n])
        assert near[a] == row[nearest]
        slopes[a, nearest] -= 2 * weights[a]
        assert has_far[a] == bool(positives)
        if positives:
            farthest = max(positives, key=lambda p: row[p])
            assert far[a] == row[farthest]
            slopes[a, farthest] += weights[a]
        else:
            assert far[a] == 0
    np.testing.assert_allclose(result.inputs[0], slopes, rtol=1e-6)


def test_one_class_and_no_pairs():
    for labels in (np.zeros(10, int), np.arange(10)):
        for fallback in (None, "largest"):
            chosen, valid = numpy(
                *semi_hard_negatives(EQUALS, labels, fallback=fallback)
            )
            assert not chosen.any()
            assert not valid.any()
    _, valid = numpy(*hard_negatives(EQUALS, np.zeros(10, int)))
    assert not valid.any()
    _, valid = numpy(*hard_positives(EQUALS, np.arange(10)))
    assert not valid.any()


def test_half_precision_and_labels_in_columns():
    half = ops.cast(ops.convert_to_tensor(EQUALS), "bfloat16")
    found = numpy(*semi_hard_negatives(half, LABELS[:, None]))
    wanted = numpy(*semi_hard_negatives(EQUALS, LABELS.astype("float32")))
    for a, b in zip(found, wanted, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_arguments_are_checked():
    for name, given in (
        ("distances", {"distances": EQUALS[0]}),
        ("distances", {"distances": EQUALS[:, :4]}),
        ("labels", {"labels": np.eye(10)}),
        ("margin", {"margin": -1}),
        ("fallback", {"fallback": "easiest"}),
    ):
        arguments = {"distances": EQUALS, "labels": LABELS, **given}
        with pytest.raises(ValueError, match=f"`{name}`.*Received"):
            semi_hard_negatives(**arguments)
