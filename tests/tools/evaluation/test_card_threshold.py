"""The accuracy at the threshold that a card has."""

import dataclasses

import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.evaluation import lfw
from keras_hypersphere.tools.evaluation.photo_pairs import at_card_threshold

SAME = np.arange(40) % 2 == 0
FAILED = np.arange(40) == 7


@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
def test_every_pair_is_compared(distance):
    random = np.random.default_rng(0)
    left = random.normal(size=(40, 6))
    right = np.where(SAME[:, None], left, 0) + random.normal(size=left.shape)
    threshold = {"cosine": 0.4, "l2": 2.5, "squared-l2": 7.0}[distance]
    card = dataclasses.replace(
        zoo.get_card("dlib-resnet"), distance=distance, threshold=threshold
    )
    report = lfw(left, right, SAME, 5, distance=distance, failed=FAILED)
    right_answers = 0
    for one, other, same, failed in zip(left, right, SAME, FAILED, strict=True):
        away = {
            "cosine": 1 - one @ other / np.sqrt((one @ one) * (other @ other)),
            "l2": np.sqrt(np.sum((one - other) ** 2)),
            "squared-l2": np.sum((one - other) ** 2),
        }[distance]
        right_answers += not failed and (away < threshold) == same
    found = at_card_threshold(report, SAME, card)
    assert found["card_threshold"] == threshold
    assert 20 < right_answers < 40
    assert found["accuracy_at_card_threshold"] == right_answers / 40


def test_not_where_it_means_nothing():
    left = np.random.default_rng(0).normal(size=(40, 6))
    card = zoo.get_card("dlib-resnet")
    right = left[::-1]
    report = lfw(left, right, SAME, 5, distance="cosine")
    other = dataclasses.replace(card, distance="l2")
    unknown = dataclasses.replace(card, distance="cosine", threshold=0.0)
    fits = dataclasses.replace(card, distance="cosine")
    centered = lfw(left, right, SAME, 5, protocol="sphereface")
    assert centered.distance == "cosine"
    assert at_card_threshold(report, SAME, fits)
    assert at_card_threshold(report, SAME, None) == {}
    assert at_card_threshold(report, SAME, other) == {}
    assert at_card_threshold(report, SAME, unknown) == {}
    assert at_card_threshold(centered, SAME, fits) == {}
