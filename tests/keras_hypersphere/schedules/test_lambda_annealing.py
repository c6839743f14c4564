import keras
import numpy as np
import pytest

from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

PUBLISHED = {
    1: 892.857143,
    2: 806.451613,
    10: 454.545455,
    100: 76.923077,
    1000: 8.264463,
    1657: 5.004003,
    1658: 5.001000,
    1659: 5.0,
    28000: 5.0,
}


@pytest.mark.parametrize(("step", "value"), PUBLISHED.items())
def test_published_values(step, value):
    schedule = LambdaAnnealing()
    assert schedule(step) == pytest.approx(value, abs=5e-7)
    tensor = schedule(keras.ops.convert_to_tensor(step, "int32"))
    assert float(tensor) == pytest.approx(value, rel=2e-6)


def test_the_floor_is_first_reached_at_1659():
    schedule = LambdaAnnealing()
    assert min(t for t in range(1, 3000) if schedule(t) == 5.0) == 1659


def test_large_powers_keep_their_digits():
    # L-Softmax's MNIST example.
    schedule = LambdaAnnealing(1000.0, 2.5e-5, 35.0, 0.0)
    for step in (1, 5000, 20000):
        tensor = schedule(keras.ops.convert_to_tensor(step, "int32"))
        assert float(tensor) == pytest.approx(schedule(step), rel=3e-6)


def test_start_is_the_layers_business():
    assert LambdaAnnealing(start=500)(1) == LambdaAnnealing()(1)


def test_a_number_gives_a_float():
    assert type(LambdaAnnealing()(np.int64(3))) is float


def test_config_round_trip():
    schedule = LambdaAnnealing(10.0, 0.5, 2.0, 0.25, start=7)
    data = keras.saving.serialize_keras_object(schedule)
    again = keras.saving.deserialize_keras_object(data)
    assert again.get_config() == schedule.get_config()
    assert again.start == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"base": -1}, "`base` must be a finite number.*base=-1"),
        ({"gamma": float("nan")}, "`gamma`"),
        ({"power": "1"}, "`power`"),
        ({"minimum": float("inf")}, "`minimum`"),
        ({"minimum": True}, "`minimum`"),
        ({"start": -1}, "`start`"),
        ({"start": 1.5}, "`start`"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        LambdaAnnealing(**arguments)
