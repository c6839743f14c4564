import math

import keras
import numpy as np
import pytest

from keras_hypersphere.losses.circle_loss import CircleLoss
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.losses.cosine_oracle import (
    BATCHES,
    LABELS,
    X,
    anchors,
    require_equal,
)


def oracle(x, labels, loss, seen=None):
    """Mean over anchors; weights come from `seen`, where it is given."""
    m, values = loss.margin, []
    weighed = anchors(x if seen is None else seen, labels)
    for (sp, sn), (wp, wn) in zip(anchors(x, labels), weighed, strict=True):
        if not sp or not sn:
            continue
        pull = sum(
            math.exp(-loss.gamma * max(0, 1 + m - w) * (s - 1 + m))
            for s, w in zip(sp, wp, strict=True)
        )
        push = sum(
            math.exp(loss.gamma * max(0, w + m) * (s - m))
            for s, w in zip(sn, wn, strict=True)
        )
        values.append(math.log(1 + pull * push))
    return sum(values) / max(len(values), 1)


@pytest.mark.parametrize("gradient", ["straight-through", "exact"])
@pytest.mark.parametrize("batch", BATCHES)
def test_follows_the_loop(batch, gradient):
    x, labels = BATCHES[batch]
    loss = CircleLoss(gamma=10.0, margin=0.3, gradient=gradient)
    seen = None if gradient == "exact" else x
    require_equal(
        loss,
        lambda x: oracle(x, labels, loss),
        x,
        labels,
        lambda x: oracle(x, labels, loss, seen),
    )


def test_is_that_of_keras():
    """Where Keras's is finite: every anchor has both kinds of pairs."""
    labels = LABELS.copy()
    labels[3] = 0
    x = X / np.linalg.norm(X, axis=1, keepdims=True)
    ours = CircleLoss(gradient="exact", gamma=16.0)
    keras_own = keras.losses.Circle(gamma=16.0)

    def run(loss):
        result = gradients(lambda x: (loss(labels, x), []), [x])
        # Across the sphere: lengths count in Keras alone.
        slope = result.inputs[0]
        return result.value, slope - (slope * x).sum(1, keepdims=True) * x

    (value, slope), (wanted, wanted_slope) = run(ours), run(keras_own)
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(slope, wanted_slope, rtol=1e-3, atol=1e-4)


def test_large_scales_are_finite():
    """exp(256 * 2.4) is infinite in float32; the loss is not."""
    x = np.array([[1, 0], [-1, 0], [1, 0], [-1, 0]], "float32")
    loss = CircleLoss(gamma=256.0, margin=0.25)
    labels = np.array([0, 0, 1, 1])
    result = gradients(lambda x: (loss(labels, x), []), [x])
    # s_p = -1 and s_n = 1 for one of two negatives.
    wanted = 256 * (2.25 * 1.75 + 1.25 * 0.75)
    assert result.value == pytest.approx(wanted, rel=1e-5)
    assert np.isfinite(result.inputs[0]).all()


def test_arguments_are_checked_and_kept():
    for name, value in (
        ("gamma", 0.0),
        ("margin", None),
        ("gradient", "caffe"),
        ("cross_replica", 1),
    ):
        with pytest.raises(ValueError, match=f"`{name}`"):
            CircleLoss(**{name: value})
    loss = CircleLoss(margin=0.25, gradient="exact")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
