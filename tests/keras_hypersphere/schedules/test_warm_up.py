import keras
import pytest

from keras_hypersphere.schedules.caffe_learning_rate import CaffeLearningRate
from keras_hypersphere.schedules.warm_up import WarmUp

POLY = CaffeLearningRate("poly", 0.2, power=1.0, max_iter=10)
STEPS = CaffeLearningRate("multistep", 0.2, gamma=0.5, stepvalue=[2, 6])


@pytest.mark.parametrize("delay", [True, False])
@pytest.mark.parametrize("inner", [POLY, STEPS])
def test_rises_and_hands_over(inner, delay):
    rate = WarmUp(inner, 4, delay=delay)
    for t in range(12):
        wanted = float(inner(t - 4 if delay else t))
        if t < 4:
            wanted = 0.2 * (t + 1) / 5
        assert float(rate(t)) == pytest.approx(wanted, rel=1e-6)


def test_is_saved_with_its_schedule():
    rate = WarmUp(keras.optimizers.schedules.CosineDecay(0.1, 20), 3)
    config = keras.saving.serialize_keras_object(rate)
    again = keras.saving.deserialize_keras_object(config)
    assert [float(again(t)) for t in range(9)] == [
        float(rate(t)) for t in range(9)
    ]


def test_trains():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(WarmUp(POLY, 3))
    model.compile(optimizer, "mse")
    x = keras.ops.ones((4, 2))
    model.fit(x, x[:, :1], batch_size=2, epochs=2, verbose=0)
    assert float(optimizer.learning_rate) == pytest.approx(0.2 * 0.9, rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"schedule": 0.1, "steps": 3}, "`schedule` must be a Learning"),
        ({"schedule": POLY, "steps": 0}, "`steps` must be an integer"),
        ({"schedule": POLY, "steps": 2, "delay": 2}, "`delay` must be"),
    ],
)
def test_wrong_arguments(arguments, said):
    with pytest.raises(ValueError, match=said):
        WarmUp(**arguments)
