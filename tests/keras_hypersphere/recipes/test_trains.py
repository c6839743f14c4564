"""Each recipe's head, loss, optimizer and schedule in a `fit` of steps.

With the recipe's own network: tests/tools/commands/test_train.py, slow.
"""

import keras
import numpy as np
import pytest

import keras_hypersphere as kh

CLASSES, STEPS = 4, 6
QUICK = ("arcface", "facenet")


def some(names):
    """One recipe of each way to train; `make test-slow` has them all."""
    return [
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
        for name in names
    ]


@pytest.mark.parametrize("name", some(kh.recipes.list()))
def test_a_recipe_trains(name):
    recipe = kh.recipes.get(name)
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    y = np.tile(np.arange(CLASSES), 4)
    centers = draw.normal(size=(CLASSES, 10))
    x = (centers[y] + 0.3 * draw.normal(size=(16, 10))).astype("float32")
    inputs = keras.Input((10,))
    x1 = keras.layers.Dense(12, name="fc")(inputs)
    x1 = keras.layers.BatchNormalization(momentum=0.5, name="bn")(x1)
    x1 = keras.layers.Dense(8, name="out")(x1)
    if recipe.loss is not None:
        x1 = kh.layers.NormalizeLayer()(x1)
    model = backbone = keras.Model(inputs, x1)
    if recipe.loss is None:
        head = recipe.make_head(CLASSES)
        model = kh.models.MarginModel(backbone, head)
    optimizer = recipe.make_optimizer(model, 1, batch_size=16, epochs=STEPS)
    # On JAX, Keras has no eager training.
    eager = keras.config.backend() != "jax"
    model.compile(optimizer, recipe.make_loss(), run_eagerly=eager)
    before = [np.array(w) for w in model.get_weights()]
    logs = model.fit(x, y, batch_size=16, epochs=STEPS, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    moved = [
        np.abs(new - old).max() > 0
        for new, old in zip(model.get_weights(), before, strict=True)
    ]
    assert sum(moved) >= 6
    if recipe.schedule["kind"] != "constant":
        # The last step of a schedule is far below its first.
        schedule = recipe.make_schedule(1, 16, STEPS)
        assert float(schedule(STEPS - 1)) < 0.34 * float(schedule(0))
