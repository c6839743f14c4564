import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.tools.training.divergence import (
    WINDOW,
    Diverged,
    StopOnDivergence,
)
from tests.tools.training.patches import make_model

X = np.random.default_rng(0).random((36, 16, 16, 3), "float32")
Y = np.arange(36) % 6


def begun(run=None, **options):
    callback = StopOnDivergence(run, **options)
    callback.set_model(make_model())
    callback.set_params({"steps": 100, "epochs": 9})
    callback.on_epoch_begin(0)
    return callback


def feed(callback, losses):
    """Logs of an epoch: the mean so far, as Keras has it."""
    for batch, mean in enumerate(np.cumsum(losses)):
        callback.on_train_batch_end(batch, {"loss": mean / (batch + 1)})


def test_a_rate_that_diverges_keeps_the_checkpoint(tmp_path):
    """Softmax without normalization: the loss leaves all bounds."""
    resume = kh.callbacks.ExactResume(tmp_path / "checkpoints")

    def make(rate):
        model = make_model(rate=rate)
        stop = StopOnDivergence(tmp_path)
        return model, stop, {"callbacks": [stop, resume], "batch_size": 6}

    model, stop, options = make(0.01)
    model.fit(X, Y, epochs=1, shuffle=False, verbose=0, **options)
    good = [np.array(weight) for weight in model.trainable_variables]
    state = resume.path.read_bytes()

    model, stop, options = make(0.01)
    # A rate of the optimizer is a part of the state: it grows afterwards.
    grow = keras.callbacks.LearningRateScheduler(lambda epoch: 1e4)
    options["callbacks"] += [grow]
    with pytest.raises(Diverged) as raised:
        model.fit(X, Y, epochs=9, shuffle=False, verbose=0, **options)
    assert raised.value.step == stop.stopped_at > 6
    assert "\n" not in stop.reason
    assert stop.reason == str(raised.value)
    assert f"at step {stop.stopped_at} (epoch 2, batch" in stop.reason
    assert f"'{tmp_path / 'checkpoints'}'" in stop.reason
    assert "learning rate of 1e+03" in stop.reason
    assert resume.path.read_bytes() == state
    # What is kept goes on.
    model, stop, options = make(0.01)
    options["callbacks"] = [resume]
    with pytest.warns(UserWarning, match="nothing is left to train"):
        model.fit(X, Y, epochs=1, shuffle=False, verbose=0, **options)
    for weight, expected in zip(model.trainable_variables, good, strict=True):
        assert np.array_equal(weight, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_loss_that_is_no_number(value):
    callback = begun()
    with pytest.raises(Diverged, match=r"at step 3 \(epoch 1, batch 3\)"):
        feed(callback, [1.0, 1.0, value])


def test_counts_the_steps_of_all_epochs():
    callback = begun()
    callback.on_epoch_begin(4)
    with pytest.raises(Diverged, match=r"at step 402 \(epoch 5, batch 2\)"):
        feed(callback, [1.0, np.nan])


def test_rising_loss():
    callback = begun()
    # The softmax loss of guessing among 6 is below 2.
    feed(callback, [2.0] * WINDOW + [19.0] * 2 * WINDOW)
    callback.on_epoch_begin(1)
    with pytest.raises(Diverged, match=r"batch 6.*10 times what it may"):
        feed(callback, [23.0] * 2 * WINDOW)


def test_what_is_no_divergence():
    callback = begun()
    # One batch, and a loss that was near 0, as when fine-tuning.
    feed(callback, [0.01] * WINDOW + [100.0] + [0.5] * WINDOW)
    assert callback.stopped_at is None


def test_weights_that_are_no_numbers():
    callback = begun()
    feed(callback, [1.0, 1.0])
    kernel = callback.model.backbone.get_layer("embedding").kernel
    kernel.assign(keras.ops.full(kernel.shape, float("inf")))
    with pytest.raises(Diverged, match="weights are NaN or infinite"):
        callback.on_epoch_end(0, {})


def test_wrong_factor():
    with pytest.raises(ValueError, match="`factor` must be above 1"):
        StopOnDivergence(factor=1)
