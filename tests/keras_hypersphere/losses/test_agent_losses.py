import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.losses.agent_triplet_loss import AgentTripletLoss
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.testing.gradients import array, gradients
from tests.keras_hypersphere.backends import compiled

# On PyTorch a C++ compiler would be busy for a minute.
LOSSES = [AgentContrastiveLoss, AgentTripletLoss]
# Spec by hand.
D = np.array([[0.5, 0.8, 1.2], [0.3, 0.2, 2.0]], "float32")
LABELS = np.array([0, 2])


def run(loss):
    def function(d):
        value = loss(LABELS, d)
        return value, value

    result = gradients(function, [D])
    return float(result.value), result.inputs[0]


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_contrastive_by_hand(gradient):
    loss, slopes = run(AgentContrastiveLoss(gradient=gradient))
    assert loss == pytest.approx(2.1)
    np.testing.assert_allclose(slopes, [[0.5, -0.5, 0], [-0.5, -0.5, 0.5]])


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_triplet_by_hand(gradient):
    loss, slopes = run(AgentTripletLoss(gradient=gradient))
    assert loss == pytest.approx(1.55)
    np.testing.assert_allclose(slopes, [[0.5, -0.5, 0], [0, -0.5, 0.5]])


@pytest.mark.parametrize("cls", LOSSES)
def test_a_class_without_samples_and_one_class(cls):
    assert np.isfinite(float(cls()(np.array([0, 0]), D)))
    assert float(cls()(np.array([0]), np.zeros((1, 1)))) == 0.0


def test_state_is_refused():
    with pytest.raises(ValueError, match=r"kh\.layers\.AgentContrastive"):
        AgentContrastiveLoss(adaptive_margin=True)
    for option in ("loss_weight", "max_negative_margin"):
        with pytest.raises(TypeError, match=option):
            AgentContrastiveLoss(**{option: 0.5})
    with pytest.raises(TypeError, match="loss_weight"):
        AgentTripletLoss(loss_weight=0.5)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (AgentContrastiveLoss, {"positive_margin": -1}, "a finite number"),
        (AgentContrastiveLoss, {"negative_margin": "1"}, "at least 0"),
        (AgentContrastiveLoss, {"normalize_negative": -0.5}, "at least 0"),
        (AgentContrastiveLoss, {"max_negative_only": 1}, "True or False"),
        (AgentContrastiveLoss, {"gradient": "paper"}, "one of"),
        (AgentTripletLoss, {"margin": -0.1}, "a finite number, at least 0"),
        (AgentTripletLoss, {"center_pull": None}, "True or False"),
        (AgentTripletLoss, {"gradient": ""}, "one of"),
    ],
)
def test_options_are_checked(cls, options, message):
    (name,) = options
    with pytest.raises(ValueError, match=f"`{name}` must be .*{message}"):
        cls(**options)


@pytest.mark.parametrize("loss", [*LOSSES, SoftmaxCrossEntropy])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("column", [0, 2])
def test_what_is_not_finite_has_no_loss(loss, value, column):
    predictions = D.copy()
    predictions[0, column] = value
    values = array(loss(reduction=None)(LABELS, predictions))
    assert np.isnan(values[0]) and np.isfinite(values[1])
    assert np.isnan(float(loss()(LABELS, predictions)))


@pytest.mark.parametrize("loss", [*LOSSES, SoftmaxCrossEntropy])
def test_a_label_that_is_no_column(loss):
    wrong = ops.convert_to_tensor([0, 3], "int32")
    d = ops.convert_to_tensor(D)
    with pytest.raises(ValueError, match=r"\[0, 3\)"):
        loss()(wrong, d)
    if keras.config.backend() == "torch":
        return
    # XLA can tell nobody.
    values = array(compiled(loss(reduction=None))(wrong, d))
    assert np.isfinite(values[0]) and np.isnan(values[1])


@pytest.mark.only_on("tensorflow", reason="its graphs raise")
@pytest.mark.parametrize("loss", [*LOSSES, SoftmaxCrossEntropy])
def test_a_graph_says_that_a_label_is_no_column(loss):
    import tensorflow as tf

    graph = tf.function(loss())
    assert np.isfinite(float(graph(ops.convert_to_tensor(LABELS), D)))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[0, 3\)"):
        graph(ops.convert_to_tensor([0, 3]), D)


# With XLA the conformance checks train.
@pytest.mark.slow
@pytest.mark.parametrize("cls", LOSSES)
def test_fit_and_load(cls, tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(24) % 3
    x = (rng.normal(size=(24, 6)) + 3 * np.eye(3, 6)[y]).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(4),
            NormalizeLayer(),
            InnerDistance(3, normalize_kernel=True),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), cls())
    history = model.fit(x, y, epochs=12, batch_size=8, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.loss, cls)
    np.testing.assert_allclose(
        loaded.evaluate(x, y, verbose=0),
        model.evaluate(x, y, verbose=0),
        rtol=1e-5,
    )
