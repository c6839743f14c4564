import math

import keras
import numpy as np
import pytest

from keras_hypersphere.losses.supervised_contrastive_loss import (
    SupervisedContrastiveLoss,
)
from tests.keras_hypersphere.losses.cosine_oracle import (
    BATCHES,
    anchors,
    require_equal,
)


def oracle(x, labels, loss):
    values = []
    for positive, negative in anchors(x, labels):
        if not positive:
            continue
        total = sum(math.exp(s / loss.temperature) for s in positive + negative)
        shares = [math.exp(s / loss.temperature) / total for s in positive]
        values.append(-sum(map(math.log, shares)) / len(shares))
    return sum(values) / max(len(values), 1)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
@pytest.mark.parametrize("batch", BATCHES)
def test_follows_the_loop(batch, temperature):
    x, labels = BATCHES[batch]
    loss = SupervisedContrastiveLoss(temperature)
    require_equal(loss, lambda x: oracle(x, labels, loss), x, labels)


def test_one_class_has_a_floor():
    """Among n equal samples each positive has a share of 1 / (n - 1)."""
    loss = SupervisedContrastiveLoss()
    x = np.ones((5, 3), "float32")
    found = float(loss(np.zeros(5, int), x))
    assert found == pytest.approx(math.log(4), rel=1e-6)


def test_cold_ones_stay_finite():
    loss = SupervisedContrastiveLoss(1e-3)
    x = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    # The positive is behind, the negative at the anchor: 2 / 1e-3.
    found = float(loss(np.array([0, 0, 1]), x))
    assert found == pytest.approx((2000 + math.log(2)) / 2, rel=1e-4)


def test_arguments_are_checked_and_kept():
    with pytest.raises(ValueError, match="`temperature`"):
        SupervisedContrastiveLoss(0.0)
    loss = SupervisedContrastiveLoss(0.07, cross_replica=False)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
