"""Rates and decays of recipes, next to the formulas in Python floats."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

import keras_hypersphere as kh

COSFACE = kh.recipes.get("cosface")


def rates(recipe, steps, **arguments):
    schedule = recipe.make_schedule(**arguments)
    return [float(schedule(t)) for t in range(steps)]


@pytest.mark.parametrize("warm", [0, 3])
def test_multistep_drops_at_the_published_epochs(warm):
    recipe = dataclasses.replace(COSFACE, warmup_epochs=warm)
    found = rates(recipe, 150, steps_per_epoch=10)
    for t, rate in enumerate(found):
        wanted = 0.1 * 0.1 ** sum(10 * e <= t for e in (8, 12, 14))
        if t < 10 * warm:
            wanted *= (t + 1) / (10 * warm + 1)
        assert rate == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("kind", ["polynomial", "cosine", "constant"])
@pytest.mark.parametrize("warm", [0, 2])
def test_schedules_follow_their_formulas(kind, warm):
    schedule = {"kind": kind, **({"power": 2.0} if kind[0] == "p" else {})}
    recipe = dataclasses.replace(
        COSFACE, schedule=schedule, warmup_epochs=warm, epochs=10
    )
    total, start = 70, 7 * warm
    for t, rate in enumerate(rates(recipe, total, steps_per_epoch=7)):
        share = (t - start) / (total - start)
        wanted = {
            "polynomial": 0.1 * (1 - share) ** 2,
            "cosine": 0.05 * (1 + np.cos(np.pi * share)),
            "constant": 0.1,
        }[kind]
        if t < start:
            wanted = 0.1 * (t + 1) / (start + 1)
        assert rate == pytest.approx(wanted, rel=1e-4, abs=1e-8)


def test_other_batches_and_epochs_are_in_proportion():
    found = rates(COSFACE, 60, steps_per_epoch=20, batch_size=64, epochs=3)
    # 60 steps for 15 epochs: 4 each.
    for t, rate in enumerate(found):
        wanted = 0.025 * 0.1 ** sum(4 * e <= t for e in (8, 12, 14))
        assert rate == pytest.approx(wanted, rel=1e-5)
    with pytest.raises(ValueError, match="`batch_size` must be 1 or more"):
        COSFACE.make_schedule(10, batch_size=0)


def small_model(recipe):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    x = keras.layers.Dense(6, name="fc")(inputs)
    x = keras.layers.BatchNormalization(name="bn")(x)
    backbone = keras.Model(inputs, keras.layers.Dense(3, name="out")(x))
    return kh.models.MarginModel(backbone, recipe.make_head(5))


def updated(recipe, gradient):
    """Variables before and after one update with the same gradient."""
    model = small_model(recipe)
    optimizer = recipe.make_optimizer(model, 10)
    variables = model.trainable_variables
    before = [np.array(v) for v in variables]
    optimizer.apply(
        [ops.full(v.shape, gradient, "float32") for v in variables], variables
    )
    after = [np.array(v) for v in variables]
    names = [v.path for v in variables]
    assert len(set(names)) == len(names) == 7
    return {n: pair for n, *pair in zip(names, before, after, strict=True)}


@pytest.mark.parametrize(
    ("name", "factor", "decayed"),
    [
        ("cosface", {"bias": 2.0}, lambda n: not n.endswith("bias")),
        (
            "adaface",
            {},
            lambda n: not n.endswith(("gamma", "beta")),
        ),
        ("magface", {}, lambda n: True),
    ],
)
def test_decay_and_factors_act_where_they_are_published(name, factor, decayed):
    recipe = dataclasses.replace(kh.recipes.get(name), clip_norm=None)
    for path, (before, after) in updated(recipe, 0.5).items():
        rate = 0.1 * factor.get(path.rsplit("/")[-1], 1.0)
        decay = 5e-4 if decayed(path) else 0.0
        wanted = before.astype("float64") * (1 - rate * decay) - rate * 0.5
        np.testing.assert_allclose(after, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["normface", "normface_contrastive"])
def test_new_class_weights_learn_a_hundred_times_as_fast(name):
    recipe = kh.recipes.get(name)
    model = small_model(recipe)
    optimizer = recipe.make_optimizer(model, 10)
    paths = [v.path for v in model.trainable_variables]
    optimizer.build(model.trainable_variables)
    found = dict(zip(paths, optimizer.pairs, strict=True))
    assert found[model.head.kernel.path] == (100.0, 0.0)
    assert found["fc/kernel"] == (1.0, 1.0)
    assert found["fc/bias"] == (2.0, 0.0)
    if name == "normface":
        # Published without a `param`: it learns and decays as the others.
        [scale] = [
            v.path
            for v in model.head.trainable_variables
            if v is not model.head.kernel
        ]
        assert found[scale] == (1.0, 1.0)


def test_adamw_excludes_too():
    recipe = dataclasses.replace(
        COSFACE,
        optimizer="AdamW",
        optimizer_arguments={},
        rate_multipliers={},
        weight_decay=0.5,
        learning_rate=0.1,
        decay_excluded=["bias", "gamma", "head/kernel"],
        schedule={"kind": "constant"},
    )
    for path, (before, after) in updated(recipe, 0.0).items():
        kept = path.endswith(("bias", "gamma")) or "softmax" in path
        wanted = before if kept else before * (1 - 0.1 * 0.5)
        np.testing.assert_allclose(after, wanted, rtol=1e-5, atol=1e-7)


def test_clipping_and_average_reach_the_optimizer():
    recipe = dataclasses.replace(COSFACE, clip_norm=5.0, ema=0.99)
    optimizer = recipe.make_optimizer(small_model(recipe), 10)
    assert optimizer.global_clipnorm == 5.0
    assert optimizer.use_ema
    assert optimizer.ema_momentum == 0.99
