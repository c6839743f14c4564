import keras
import numpy as np
import pytest

from keras_hypersphere.constraints.unit_vectors import UnitVectors
from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.testing.gradients import array, gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype("float32")
W = RNG.normal(size=(4, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 3, 0, 1])


def head_of(**options):
    head = AgentContrastive(4, **options)
    head.build((None, 3))
    head.kernel.assign(W)
    return head


def run(head, x=X, labels=LABELS):
    def function(x):
        y = head(x, labels, training=True)
        (loss,) = head.losses
        return loss, [loss, y]

    return gradients(function, [x], [head.kernel])


def test_outputs_are_negative_distances():
    unit_x = X / np.linalg.norm(X, axis=1, keepdims=True)
    unit_w = W / np.linalg.norm(W, axis=1, keepdims=True)
    wanted = -((unit_x[:, None] - unit_w) ** 2).sum(-1)
    np.testing.assert_allclose(array(head_of()(X)), wanted, atol=1e-6)


def test_labels_add_the_loss_and_nothing_else_does():
    head = head_of()
    head(X)
    assert head.losses == []
    head(X, LABELS, training=False)
    (evaluated,) = head.losses
    head(X, LABELS, training=True)
    (trained,) = head.losses
    assert float(evaluated) == float(trained) > 0


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_negative_only": True, "negative_margin": 2.0},
        {"positive_first": True, "normalize_negative": 0.2},
    ],
)
def test_is_inner_distance_and_the_loss(options, gradient):
    head = head_of(gradient=gradient, loss_weight=0.3, **options)
    found = run(head)
    distance = InnerDistance(4, normalize_kernel=True, gradient=gradient)
    distance.build((None, 3))
    distance.kernel.assign(W)
    loss = AgentContrastiveLoss(gradient=gradient, **options)
    normalize = NormalizeLayer()

    def function(x):
        value = 0.3 * loss(LABELS, distance(normalize(x)))
        return value, value

    wanted = gradients(function, [X], [distance.kernel])
    np.testing.assert_allclose(found.value, wanted.value, rtol=1e-5)
    for ours, theirs in zip(
        found.inputs + found.variables,
        wanted.inputs + wanted.variables,
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_caffe_passes_straight_to_stored_rows():
    head = head_of(gradient="caffe")
    assert isinstance(head.kernel.constraint, UnitVectors)
    assert head.kernel.constraint.axis == 1
    radial = (run(head).variables[0] * W).sum(1)
    assert np.abs(radial).max() > 0.1
    exact = (run(head_of()).variables[0] * W).sum(1)
    np.testing.assert_allclose(exact, 0, atol=1e-5)


def test_the_adaptive_margin_learns_in_training_and_is_saved(tmp_path):
    inputs = keras.Input((3,), name="x")
    label = keras.Input((), dtype="int32", name="label", optional=True)
    head = AgentContrastive(4, adaptive_margin=True, max_negative_margin=0.02)
    model = keras.Model({"x": inputs, "label": label}, head(inputs, label))
    head.kernel.assign(W)
    distances = -model.predict({"x": X, "label": None}, verbose=0)
    mean = distances[np.arange(6), LABELS].mean()
    model.compile(keras.optimizers.SGD(0.0))
    data = {"x": X, "label": LABELS}
    model.evaluate(data, verbose=0)
    assert float(head.intra_distance) == 0.0
    model.fit(data, batch_size=6, verbose=0)
    np.testing.assert_allclose(
        float(head.intra_distance), min(0.01 * mean, 0.02), rtol=1e-5
    )
    model.fit(data, batch_size=6, verbose=0, epochs=9)
    assert float(head.intra_distance) == pytest.approx(0.02)
    plain = AgentContrastiveLoss(negative_margin=1.02)(LABELS, distances)
    np.testing.assert_allclose(
        model.evaluate(data, verbose=0), float(plain), rtol=1e-5
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    (head,) = [
        layer for layer in loaded.layers if isinstance(layer, AgentContrastive)
    ]
    assert float(head.intra_distance) == pytest.approx(0.02)


def test_one_class_and_a_batch_of_one():
    head = AgentContrastive(1, max_negative_only=True)
    outputs = head(X[:1], np.array([0]), training=True)
    assert outputs.shape == (1, 1)
    assert float(head.losses[0]) == pytest.approx(-float(outputs[0, 0]))


def test_large_classes_survive_half_policies():
    units = 66_000
    head = AgentContrastive(units, dtype="mixed_float16")
    x = np.ones((2, 2), "float32")
    head.build(x.shape)
    kernel = np.tile(np.array([[-1.0, -1.0]], "float32"), (units, 1))
    kernel[65_537] = [1.0, 1.0]
    head.kernel.assign(kernel)
    head(x, np.array([65_537.0, 65_537.0]), training=True)
    assert float(head.losses[0]) == pytest.approx(0.0, abs=1e-6)
    head(x, np.array([65_536.0, 65_536.0]), training=True)
    assert float(head.losses[0]) == pytest.approx(5.0, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adaptive_margin": 0.1}, "`adaptive_margin` must be True or False"),
        ({"max_negative_margin": -1.0}, "`max_negative_margin` must be a fin"),
        ({"loss_weight": float("inf")}, "`loss_weight`"),
        ({"normalize_inputs": 2}, "`normalize_inputs`"),
        # The loss's own checks stand with it.
        ({"positive_outlier": None}, "`positive_outlier`"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        AgentContrastive(4, **options)
