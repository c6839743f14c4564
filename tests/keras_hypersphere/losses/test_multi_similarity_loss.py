import math

import keras
import numpy as np
import pytest

from keras_hypersphere.losses.multi_similarity_loss import MultiSimilarityLoss
from tests.keras_hypersphere.losses.cosine_oracle import (
    BATCHES,
    LABELS,
    X,
    anchors,
    require_equal,
)


def oracle(x, labels, loss):
    values = []
    for positive, negative in anchors(x, labels):
        if loss.epsilon is not None:
            nearest = max(negative, default=-math.inf)
            farthest = min(positive, default=math.inf)
            positive = [s for s in positive if s - loss.epsilon < nearest]
            negative = [s for s in negative if s + loss.epsilon > farthest]
        pull = sum(math.exp(-loss.alpha * (s - loss.base)) for s in positive)
        push = sum(math.exp(loss.beta * (s - loss.base)) for s in negative)
        values.append(
            math.log(1 + pull) / loss.alpha + math.log(1 + push) / loss.beta
        )
    return sum(values) / len(values)


@pytest.mark.parametrize("epsilon", [None, 0.1])
@pytest.mark.parametrize("batch", BATCHES)
def test_follows_the_loop(batch, epsilon):
    x, labels = BATCHES[batch]
    loss = MultiSimilarityLoss(alpha=3.0, beta=20.0, base=0.3, epsilon=epsilon)
    require_equal(loss, lambda x: oracle(x, labels, loss), x, labels)


def test_lengths_do_not_count():
    loss = MultiSimilarityLoss()
    wanted = float(loss(LABELS, X))
    sizes = np.geomspace(1e-3, 1e3, 9, dtype="float32")[:, None]
    assert float(loss(LABELS, X * sizes)) == pytest.approx(wanted, rel=1e-5)


def test_sharp_ones_stay_finite():
    loss = MultiSimilarityLoss(alpha=1e4, beta=1e6)
    s = [[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]
    # All is decided by the one pair that is most wrong.
    found = float(loss(np.array([0, 0, 1]), np.array(s)))
    wanted = (1.5 + 0.5) + 1.5 + 0.5
    assert found == pytest.approx(wanted / 3, rel=1e-4)


def test_arguments_are_checked_and_kept():
    for name, value in (
        ("alpha", 0.0),
        ("beta", -1.0),
        ("base", "a"),
        ("epsilon", float("nan")),
        ("cross_replica", 1),
    ):
        with pytest.raises(ValueError, match=f"`{name}`"):
            MultiSimilarityLoss(**{name: value})
    loss = MultiSimilarityLoss(epsilon=0.1, reduction="sum")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()
