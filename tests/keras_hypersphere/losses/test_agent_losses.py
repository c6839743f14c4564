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
from keras_hypersphere.testing.gradients import gradients

# On PyTorch a C++ compiler would be busy for a minute.
COMPILES = pytest.mark.only_on("tensorflow", "jax", reason="no jit here")
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
def test_one_value_per_sample(cls):
    values = cls(reduction=None)(LABELS, D)
    assert values.shape == (2,)
    assert keras.backend.standardize_dtype(values.dtype) == "float32"
    np.testing.assert_allclose(
        np.mean(ops.convert_to_numpy(values)), cls()(LABELS, D), rtol=1e-6
    )


@pytest.mark.parametrize("cls", LOSSES)
def test_a_class_without_samples_and_one_class(cls):
    assert np.isfinite(float(cls()(np.array([0, 0]), D)))
    assert float(cls()(np.array([0]), np.zeros((1, 1)))) == 0.0


def test_state_is_refused():
    with pytest.raises(ValueError, match=r"kh\.layers\.AgentContrastive"):
        AgentContrastiveLoss(adaptive_margin=True)
    with pytest.raises(TypeError, match="loss_weight"):
        AgentContrastiveLoss(loss_weight=0.5)
    with pytest.raises(TypeError, match="loss_weight"):
        AgentTripletLoss(loss_weight=0.5)


@pytest.mark.parametrize("cls", LOSSES)
def test_labels_are_columns(cls):
    with pytest.raises(ValueError, match=r"\[0, 3\)"):
        cls()(np.array([0, 3]), D)
    with pytest.raises(ValueError, match="argmax"):
        cls()(np.eye(2, 3), D)


@pytest.mark.parametrize("cls", LOSSES)
def test_arguments_are_checked_and_kept(cls):
    with pytest.raises(ValueError, match="`positive_weight`"):
        cls(positive_weight=-1)
    with pytest.raises(ValueError, match="`gradient`"):
        cls(gradient="paper")
    loss = cls(positive_weight=2, positive_first=True, gradient="caffe")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(again, cls)
    assert again.get_config() == loss.get_config()
    assert again.positive_weight == 2.0
    assert again.positive_first is True


@pytest.mark.parametrize("cls", LOSSES)
@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=COMPILES)])
def test_fit_and_load(cls, jit, tmp_path):
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
    model.compile(keras.optimizers.Adam(0.05), cls(), jit_compile=jit)
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
