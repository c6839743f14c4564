import keras
import numpy as np
import pytest

from keras_hypersphere.optimizers.caffe_sgd import CaffeSGD
from keras_hypersphere.schedules.caffe_learning_rate import CaffeLearningRate

STEPS = 6


def loop(start, gradients, rates, momentum, decay):
    """The update of the docstring in float64, with multipliers (2, 0.5)."""
    p, v = start.astype("float64"), np.zeros_like(start, "float64")
    for gradient, rate in zip(gradients, rates, strict=True):
        v = momentum * v + 2 * rate * (gradient + decay * 0.5 * p)
        p = p - v
    return p


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_follows_the_formula(momentum, decay):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 2)).astype("float32")
    gradients = rng.normal(size=(STEPS, 3, 2)).astype("float32")
    schedule = CaffeLearningRate("step", 0.1, gamma=0.5, stepsize=2)
    variable = keras.Variable(start, name="kernel")
    optimizer = CaffeSGD(
        schedule, momentum, decay, multipliers={"kern*": (2, 0.5)}
    )
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    expected = loop(
        start, gradients, [0.1, 0.1, 0.05, 0.05, 0.025, 0.025], momentum, decay
    )
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(variable), expected, rtol=1e-5, atol=1e-6
    )


def small_model():
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="fc")]
    )


def test_bias_multipliers_in_fit():
    """Biases at lr_mult 0 stay, whatever the decay."""
    model = small_model()
    model.compile(
        CaffeSGD(0.1, weight_decay=0.1, multipliers={"bias": (0, 1)}), "mse"
    )
    before = [np.array(w) for w in model.get_weights()]
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(8, 4)), rng.normal(size=(8, 3)), verbose=0)
    kernel, bias = model.get_weights()
    np.testing.assert_array_equal(bias, before[1])
    assert np.abs(kernel - before[0]).max() > 1e-3


def test_first_pattern_counts():
    optimizer = CaffeSGD(0.1, multipliers={"fc/bias": (2, 0), "fc/*": (100, 0)})
    assert optimizer.multipliers_of("fc/bias") == (2.0, 0.0)
    assert optimizer.multipliers_of("fc/kernel") == (100.0, 0.0)
    assert optimizer.multipliers_of("sequential/fc/bias") == (2.0, 0.0)
    assert optimizer.multipliers_of("fc6/kernel") == (1.0, 1.0)
    assert optimizer.multipliers_of("conv/kernel") == (1.0, 1.0)


def test_saved_with_the_model(tmp_path):
    model = small_model()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4)), rng.normal(size=(8, 3))
    model.compile(
        CaffeSGD(
            CaffeLearningRate("inv", 0.1, gamma=0.1, power=0.75),
            weight_decay=0.01,
            multipliers={"bias": (2, 0)},
        ),
        "mse",
    )
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert restored.optimizer.get_config() == model.optimizer.get_config()
    for each in (model, restored):
        each.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_unmatched_pattern_is_refused():
    model = small_model()
    optimizer = CaffeSGD(0.1, multipliers={"fc7/*": (100, 0)})
    with pytest.raises(
        ValueError, match=r"'fc7/\*', which fits none of .*fc/kernel"
    ):
        optimizer.build(model.trainable_variables)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight_decay": -1.0}, "`weight_decay` must be"),
        ({"multipliers": {"*": 3}}, "`multipliers` must map"),
        ({"multipliers": {"*": (1, 2, 3)}}, "`multipliers` must map"),
        ({"multipliers": {"*": ("a", 0)}}, "`multipliers` must map"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        CaffeSGD(0.1, **arguments)
