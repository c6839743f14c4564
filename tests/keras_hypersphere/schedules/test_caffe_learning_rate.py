import math

import keras
import pytest

from keras_hypersphere.schedules.caffe_learning_rate import CaffeLearningRate

# The formulas once more, in Python floats.
POLICIES = {
    "fixed": ({}, lambda t: 1.0),
    "step": ({"gamma": 0.5, "stepsize": 7}, lambda t: 0.5 ** (t // 7)),
    "exp": ({"gamma": 0.99}, lambda t: 0.99**t),
    "inv": (
        {"gamma": 1e-2, "power": 0.75},
        lambda t: (1 + 1e-2 * t) ** -0.75,
    ),
    "multistep": (
        {"gamma": 0.1, "stepvalue": [5, 20]},
        lambda t: 0.1 ** sum(s <= t for s in (5, 20)),
    ),
    "poly": (
        {"power": 2.0, "max_iter": 50},
        lambda t: max(0.0, 1 - t / 50) ** 2,
    ),
    "sigmoid": (
        {"gamma": -0.3, "stepsize": 10},
        lambda t: 1 / (1 + math.exp(0.3 * (t - 10))),
    ),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_follows_the_formula(policy):
    parameters, formula = POLICIES[policy]
    rate = CaffeLearningRate(policy, 0.2, **parameters)
    for t in (0, 1, 4, 5, 6, 7, 19, 20, 21, 49, 50, 60):
        assert float(rate(t)) == pytest.approx(0.2 * formula(t), rel=1e-5)


@pytest.mark.parametrize("policy", POLICIES)
def test_round_trip(policy):
    parameters, _ = POLICIES[policy]
    rate = CaffeLearningRate(policy, 0.2, **parameters)
    restored = keras.optimizers.schedules.deserialize(
        keras.optimizers.schedules.serialize(rate)
    )
    assert isinstance(restored, CaffeLearningRate)
    assert restored.get_config() == rate.get_config()


@pytest.mark.parametrize(
    ("arguments", "parameters", "message"),
    [
        (("cosine", 0.1), {}, "`policy` must be one of"),
        (("fixed", 0.0), {}, "`base_lr` must be greater than 0"),
        (("step", 0.1), {"gamma": 0.1}, "takes exactly gamma, stepsize"),
        (("fixed", 0.1), {"gamma": 0.1}, "takes exactly no parameters"),
        (("step", 0.1), {"gamma": 0.1, "stepsize": 0}, "`stepsize` must be"),
        (
            ("multistep", 0.1),
            {"gamma": 0.1, "stepvalue": [9, 5]},
            "`stepvalue` must be a sequence of growing",
        ),
        (("exp", 0.1), {"gamma": "0.1"}, "`gamma` must be a number"),
    ],
)
def test_errors(arguments, parameters, message):
    with pytest.raises(ValueError, match=message):
        CaffeLearningRate(*arguments, **parameters)
