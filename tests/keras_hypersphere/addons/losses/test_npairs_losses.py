"""The cases of TensorFlow Addons' own tests, by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.addons import losses

CORNERS = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")
# Similarities 2, 0, 0 and -2 to the others, 2 to itself.
LOGITS = CORNERS @ CORNERS.T
ALONE = np.log(1 + 2 * np.exp(-2) + np.exp(-4))
SEVERAL = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]])
CLASSES = (losses.NpairsLoss, losses.NpairsMultilabelLoss)


def sparse(labels):
    """A sparse tensor of the backend."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.sparse.from_dense(labels)
    from jax.experimental import sparse

    return sparse.BCOO.fromdense(np.asarray(labels))


@pytest.mark.parametrize("cls", CLASSES)
def test_config(cls):
    loss = cls(name="nl")
    assert (loss.name, loss.reduction) == ("nl", "none")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is cls and again.get_config() == loss.get_config()


def test_default_names():
    assert losses.NpairsLoss().name == "npairs_loss"
    assert losses.NpairsMultilabelLoss().name == "npairs_multilabel_loss"


@pytest.mark.parametrize("labels", [np.arange(4), np.arange(4)[:, None]])
def test_every_class_once(labels):
    found = float(losses.NpairsLoss()(labels, LOGITS))
    np.testing.assert_allclose(found, ALONE, rtol=1e-6)


def test_large_labels_are_not_rounded():
    labels = np.arange(4) + 2**24
    found = float(losses.NpairsLoss()(labels, LOGITS))
    np.testing.assert_allclose(found, ALONE, rtol=1e-6)


def test_one_class_each_is_the_same_as_npairs():
    found = float(losses.NpairsMultilabelLoss()(np.eye(4, dtype=int), LOGITS))
    np.testing.assert_allclose(found, ALONE, rtol=1e-6)


def test_several_classes():
    """By hand: shares of classes times log(sum of exp of differences)."""
    shared = SEVERAL @ SEVERAL.T
    total = 0.0
    for i in range(4):
        for j in range(4):
            differences = np.exp(LOGITS[i] - LOGITS[i, j])
            share = shared[i, j] / shared[i].sum()
            total += share * np.log(differences.sum()) / 4
    np.testing.assert_allclose(total, 1.420522, rtol=1e-6)
    found = float(losses.NpairsMultilabelLoss()(SEVERAL, LOGITS))
    np.testing.assert_allclose(found, total, rtol=1e-6)


@pytest.mark.only_on("tensorflow", "jax", reason="Keras has no sparse tensors")
@pytest.mark.parametrize("labels", [np.eye(4, dtype="int32"), SEVERAL])
def test_sparse_labels(labels):
    loss = losses.NpairsMultilabelLoss()
    found = float(loss(sparse(labels), LOGITS))
    np.testing.assert_allclose(found, float(loss(labels, LOGITS)), rtol=1e-6)


def test_a_sample_without_class_has_no_loss():
    labels = SEVERAL.copy()
    labels[3] = 0
    found = float(losses.npairs_multilabel_loss(labels, LOGITS))
    labels, logits = labels[:3], LOGITS[:3]
    shared = np.pad(labels @ labels.T, ((0, 0), (0, 1)))
    shares = shared / shared.sum(axis=1, keepdims=True)
    exp = np.exp(logits)
    log = np.log(exp / exp.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(found, -(shares * log).sum() / 4, rtol=1e-6)


@pytest.mark.parametrize("cls", CLASSES)
def test_shapes_that_do_not_fit(cls):
    labels = SEVERAL if cls is losses.NpairsMultilabelLoss else np.arange(4)
    with pytest.raises(ValueError, match="square"):
        cls()(labels, LOGITS[:, :2])
    with pytest.raises(ValueError, match="Received"):
        cls()(labels[:3], LOGITS)


def test_class_indices_are_refused_where_a_matrix_belongs():
    with pytest.raises(ValueError, match="NpairsLoss"):
        losses.npairs_multilabel_loss(np.arange(4), LOGITS)


def test_training_with_several_classes():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    model.compile("sgd", loss=losses.NpairsMultilabelLoss())
    history = model.fit(
        CORNERS, SEVERAL, batch_size=4, epochs=5, shuffle=False, verbose=0
    ).history["loss"]
    assert history[-1] < history[0]
    assert np.isfinite(ops.convert_to_numpy(model(CORNERS))).all()
