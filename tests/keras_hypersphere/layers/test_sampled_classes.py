"""`SampledClasses`: PartialFC's rule, and its correction."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import layers
from keras_hypersphere.callbacks import ExactResume
from keras_hypersphere.models import MarginModel

N, D, C = 12, 6, 60


def batch(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, D)).astype("float32")
    return x, rng.integers(0, C, N).astype("int32")


def sampled(**arguments):
    layer = layers.SampledClasses(
        layers.AMSoftmax(C, 0.2, 4.0), **{"seed": 7, **arguments}
    )
    layer.build((None, D))
    rng = np.random.default_rng(3)
    layer.kernel.assign(rng.normal(size=(D, C)).astype("float32"))
    return layer


def loss(layer, x, y, training=True):
    layer(x, labels=y, training=training)
    return float(ops.convert_to_numpy(layer.losses[0]))


def whole_sums(layer, x, y):
    """Exponentials of all logits with the margin, in float64."""
    w = ops.convert_to_numpy(layer.kernel).astype("float64")
    x = x.astype("float64")
    cosines = x @ w / np.linalg.norm(x, axis=1)[:, None]
    cosines /= np.linalg.norm(w, axis=0)
    cosines[np.arange(N), y] -= 0.2
    return np.exp(4.0 * cosines)


def test_loss_is_that_of_the_classes_drawn():
    x, y = batch()
    layer = sampled(rate=0.5)
    found = loss(layer, x, y)
    classes = np.asarray(layer.draw(ops.convert_to_tensor(y)).classes)
    assert len(set(classes)) == len(classes) == 30
    assert set(y) <= set(classes)
    powers = whole_sums(layer, x, y)
    wanted = np.log(powers[:, classes].sum(1) / powers[np.arange(N), y])
    np.testing.assert_allclose(found, wanted.mean(), rtol=1e-5)


def test_correction_makes_the_sum_unbiased():
    x, y = batch()
    powers = whole_sums(sampled(), x, y)
    own = powers[np.arange(N), y]
    sums = {}
    for correction in (False, True):
        layer = sampled(rate=0.5, correction=correction)
        found = []
        for _ in range(200):
            layer.seed_state.assign(ops.add(layer.seed_state, 1))
            drawn = layer.draw(ops.convert_to_tensor(y))
            classes = np.asarray(drawn.classes)
            weights = np.ones(len(classes))
            if correction:
                odds = np.exp(float(drawn.log_odds))
                weights = np.where(np.asarray(drawn.given), 1.0, odds)
            found.append((powers[:, classes] * weights).sum(1))
        found = np.array(found)
        sums[correction] = found.mean(0), found.std(0) / np.sqrt(len(found))
    mean, error = sums[True]
    assert (np.abs(mean - powers.sum(1)) < 4.5 * error).all()
    mean, error = sums[False]
    assert (powers.sum(1) - mean > 20 * error).all()
    # The loss is of that sum.
    layer = sampled(rate=0.5, correction=True)
    value = loss(layer, x, y)
    drawn = layer.draw(ops.convert_to_tensor(y))
    odds = np.where(np.asarray(drawn.given), 1.0, np.exp(float(drawn.log_odds)))
    total = (powers[:, np.asarray(drawn.classes)] * odds).sum(1)
    np.testing.assert_allclose(value, np.log(total / own).mean(), rtol=1e-5)


@pytest.mark.parametrize("correction", [False, True])
def test_rate_one_is_the_exact_softmax(correction):
    x, y = batch()
    layer = sampled(rate=1.0, correction=correction)
    powers = whole_sums(layer, x, y)
    wanted = np.log(powers.sum(1) / powers[np.arange(N), y]).mean()
    np.testing.assert_allclose(loss(layer, x, y), wanted, rtol=1e-5)


def test_evaluation_is_over_all_classes():
    x, y = batch()
    layer = sampled(rate=0.1)
    powers = whole_sums(layer, x, y)
    powers[np.arange(N), y] *= np.exp(4.0 * 0.2)
    wanted = np.log(powers.sum(1) / powers[np.arange(N), y]).mean()
    found = loss(layer, x, y, training=False)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def trained(seed, epochs, folder=None, resumed=None, **arguments):
    backbone = keras.Sequential(
        [keras.Input((D,)), keras.layers.Dense(D, kernel_initializer="ones")]
    )
    made = MarginModel(backbone, sampled(seed=seed, **arguments))
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    if resumed:
        made.load_weights(resumed)
    x, y = batch()
    made.fit(x, y, batch_size=6, epochs=epochs, shuffle=False, verbose=0)
    if folder:
        made.save_weights(folder / "half.weights.h5")
    return made


def test_seed_and_its_place_are_saved(tmp_path):
    whole = trained(1, 1, tmp_path, rate=0.5)
    assert np.asarray(whole.head.seed_state).ravel()[-1] == 2
    again = trained(1, 0, resumed=tmp_path / "half.weights.h5", rate=0.5)
    labels = ops.convert_to_tensor(batch()[1])
    drawn = [
        sorted(np.asarray(m.head.draw(labels).classes)) for m in (whole, again)
    ]
    assert drawn[0] == drawn[1]
    other = trained(2, 1, rate=0.5)
    drawn = sorted(np.asarray(other.head.draw(labels).classes))
    assert drawn != sorted(np.asarray(whole.head.draw(labels).classes))


def test_classes_that_are_not_drawn_have_no_gradient():
    made = trained(1, 0)
    before = ops.convert_to_numpy(made.head.kernel).copy()
    made.compile(keras.optimizers.SGD(0.1))
    x, y = batch()
    made.fit(x, y, batch_size=N, verbose=0)
    moved = (
        np.abs(ops.convert_to_numpy(made.head.kernel) - before).max(axis=0) > 0
    )
    drawn = made.head.draw(ops.convert_to_tensor(y))
    classes = np.asarray(drawn.classes)
    if drawn.real is not None:
        classes = classes[np.asarray(drawn.real)]
    assert moved.any()
    assert set(np.flatnonzero(moved)) <= set(classes)


@pytest.mark.parametrize("rate", [0.0, 1.5])
def test_refuses_a_rate(rate):
    with pytest.raises(ValueError, match="`rate`"):
        layers.SampledClasses(layers.ArcFace(5), rate)


@pytest.mark.slow
def test_resumed_exactly(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def train(folder, epochs, *more):
        made = trained(1, 0, rate=0.5)
        x, y = batch()
        made.fit(
            x,
            y,
            batch_size=6,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[ExactResume(folder), *more],
        )
        return made

    whole = train(tmp_path / "whole", 3)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken", 3, Stop())
    again = train(tmp_path / "broken", 3)
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
