"""What every layer with agents does: words, ignored samples, what is NaN."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.testing.gradients import array, gradients
from tests.keras_hypersphere.backends import compiled

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype("float32")
W = RNG.normal(size=(4, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 3, 0, 1])
LAYERS = [AgentContrastive, AgentTriplet, InnerDistance]
IGNORED = 9
EVERYTHING = {
    "adaptive_margin": True,
    "normalize_negative": 0.1,
    "max_positive_only": True,
    "negative_margin": 2.0,
}


def filled(layer, kernel=W):
    layer.build((None, 3))
    layer.kernel.assign(kernel)
    return layer


@pytest.mark.parametrize("cls", LAYERS)
def test_the_old_name_of_the_square(cls):
    with pytest.raises(ValueError, match=r"'l2'.*squared-l2") as error:
        cls(4, distance="l2")
    assert "\n" not in str(error.value)
    # As models of version 0.1 have it.
    saved = {**cls(4).get_config(), "distance": "l2"}
    del saved["ignore_class"]
    layer = filled(cls.from_config(saved))
    assert layer.get_config() == {**saved, "distance": "squared-l2"} | {
        "ignore_class": None
    }
    np.testing.assert_array_equal(array(layer(X)), array(filled(cls(4))(X)))


def test_a_loss_of_version_0_1_loads():
    saved = {
        **AgentContrastiveLoss(positive_margin=0.1).get_config(),
        "max_negative_margin": 1.2,
    }
    loss = AgentContrastiveLoss.from_config(saved)
    assert loss.positive_margin == 0.1


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (AgentContrastive, EVERYTHING),
        (AgentTriplet, {"hardest_only": False}),
        (InnerDistance, {"update_center_only": True}),
    ],
)
def test_ignored_samples_are_as_if_they_were_not_there(cls, options, gradient):
    """First of all: the search for the largest pull begins there."""

    def run(x, labels, ignore_class):
        layer = cls(4, gradient=gradient, ignore_class=ignore_class, **options)
        filled(layer)

        def function(x):
            outputs = layer(x, labels, training=True)
            if not layer.adds_loss:
                return ops.sum(outputs), outputs
            state = [w.value for w in layer.non_trainable_weights]
            return sum(layer.losses), [layer.losses[0], *state]

        return gradients(function, [x], [layer.kernel])

    more = np.concatenate([0.1 * X[:2], X])
    found = run(more, np.array([IGNORED, IGNORED, *LABELS]), IGNORED)
    wanted = run(X, LABELS, None)
    np.testing.assert_allclose(
        found.variables[0], wanted.variables[0], atol=1e-5
    )
    assert np.abs(wanted.variables[0]).max() > 0.01
    if cls is not InnerDistance:
        for ours, theirs in zip(found.outputs, wanted.outputs, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)
            assert theirs > 0
        np.testing.assert_array_equal(found.inputs[0][:2], np.zeros((2, 3)))
        np.testing.assert_allclose(
            found.inputs[0][2:], wanted.inputs[0], atol=1e-5
        )


@pytest.mark.parametrize(
    "value", [np.nan, pytest.param(np.inf, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "make",
    [
        lambda: AgentContrastive(4, normalize_kernel=False),
        lambda: AgentContrastive(
            4, normalize_inputs=False, gradient="caffe", **EVERYTHING
        ),
        lambda: AgentTriplet(4, center_pull=False),
        lambda: AgentTriplet(4, normalize_inputs=False, distance="l1"),
        lambda: InnerDistance(4),
        lambda: InnerDistance(4, distance="l1"),
        lambda: InnerDistance(4, update_center_only=True),
    ],
)
def test_what_is_not_finite_stays_so(make, value):
    x, w = X.copy(), W.copy()
    x[2, 1] = w[3, 0] = value

    def run(x, kernel):
        layer = filled(make(), kernel)

        @compiled
        def function(x, labels):
            with keras.StatelessScope(collect_losses=True) as scope:
                outputs = layer(x, labels, training=True)
            return outputs, list(scope.losses)

        labels = ops.convert_to_tensor(LABELS, "int32")
        outputs, losses = function(ops.convert_to_tensor(x), labels)
        return array(outputs), [array(loss) for loss in losses]

    outputs, losses = run(x, W)
    assert np.isnan(outputs[2]).all()
    assert np.isfinite(np.delete(outputs, 2, axis=0)).all()
    assert np.isnan(losses).all()
    outputs, losses = run(X, w)
    assert not np.isfinite(outputs[:, 3]).any()
    assert np.isfinite(outputs[:, :3]).all()
    assert np.isnan(losses).all()


def test_a_margin_that_is_nan_is_seen():
    head = filled(AgentContrastive(4, adaptive_margin=True))
    head.intra_distance.assign(np.nan)
    head(X, LABELS)
    assert np.isnan(float(head.losses[0]))


def test_agents_that_learn_from_labels_alone_say_that_there_are_none():
    layer = filled(InnerDistance(4, update_center_only=True, name="agents"))
    with pytest.warns(UserWarning, match="'agents'.*moves no class weight"):
        layer(X, training=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*without labels.*")
        # Once is enough.
        layer(X, training=True)
        for quiet in (layer, InnerDistance(4)):
            quiet.warned = False
            quiet(X)
            quiet(X, LABELS, training=True)
        quiet(X, training=True)
