import json

import pytest

from keras_hypersphere.zoo.faces.aligned_face import AlignedFace
from keras_hypersphere.zoo.faces.verification import Verification
from tests.zoo.faces.stand_in import RATES, card

FACES = (AlignedFace("a", None, 1, None), AlignedFace("b", None, 1, None))


def decide(distance, threshold, **fields):
    return Verification.decide(card(**fields), distance, threshold, FACES)


def test_rates_of_the_threshold_used():
    answer = decide(0.2, 0.6, rates=RATES)
    assert answer.same and not answer.near
    assert answer.far == pytest.approx(1e-5)
    assert answer.frr == pytest.approx(0.1)
    assert decide(0.2, 0.625, rates=RATES).far == pytest.approx(10**-4.5)


@pytest.mark.parametrize(
    ("distance", "same", "near"),
    [
        (0.549, True, False),
        (0.551, True, True),
        (0.6, False, True),
        (0.649, False, True),
        (0.651, False, False),
    ],
)
def test_near_is_ten_times_the_rate_or_a_tenth(distance, same, near):
    """They are at 0.55 and 0.65."""
    answer = decide(distance, 0.6, rates=RATES)
    assert (answer.same, answer.near) == (same, near)


def test_what_is_not_known_is_none():
    for answer in (decide(0.2, 0.6), decide(0.2, 1.9, rates=RATES)):
        assert answer.far is answer.frr is answer.near is None
    document = json.loads(json.dumps(decide(0.2, 0.6).as_dict()))
    assert document["far"] is None and document["near"] is None
    assert list(document)[:3] == ["same", "distance", "threshold"]


def test_repr_tells():
    assert repr(decide(0.61, 0.6, rates=RATES)) == (
        "<Verification: different, distance 0.6100, threshold 0.6000, near it>"
    )
