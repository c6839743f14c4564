import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.testing.gradients import gradients

# Spec by hand: loss 1.5, steps (-1/3, -2/3) and (-1, 0).
X = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]], "float32")
CENTERS = np.array([[0.0, 0.0], [1.0, 1.0]], "float32")
LABELS = np.array([0, 0, 1])
STEPS = np.array([[-1 / 3, -2 / 3], [-1.0, 0.0]])


def layer_of(**options):
    layer = CenterLoss(2, **options)
    layer.build((None, 2))
    layer.centers.assign(CENTERS)
    return layer


def run(layer, x=X, labels=LABELS, training=False):
    def function(x):
        y = layer(x, labels, training=training)
        (loss,) = layer.losses
        return loss, [loss, y]

    return gradients(function, [x], [layer.centers])


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize("weight", [1.0, 0.008])
def test_by_hand(weight, gradient):
    layer = layer_of(loss_weight=weight, gradient=gradient)
    result = run(layer)
    np.testing.assert_allclose(result.value, weight * 1.5, rtol=1e-6)
    np.testing.assert_array_equal(result.outputs[1], X)
    np.testing.assert_allclose(
        result.inputs[0],
        weight * np.array([[1, 0], [0, 2], [2, 0]]) / 3,
        rtol=1e-6,
    )
    # The published step knows no weight; a moving center has no gradient.
    wanted = STEPS if gradient == "caffe" else np.zeros((2, 2))
    np.testing.assert_allclose(result.variables[0], wanted, atol=1e-6)


def test_centers_move_in_training_only():
    layer = layer_of(rate=0.25)
    layer(X, LABELS, training=False)
    np.testing.assert_array_equal(layer.centers.numpy(), CENTERS)
    layer(X, LABELS, training=True)
    np.testing.assert_allclose(
        layer.centers.numpy(), CENTERS - 0.25 * STEPS, rtol=1e-6
    )
    layer = layer_of(gradient="caffe")
    layer(X, LABELS, training=True)
    np.testing.assert_array_equal(layer.centers.numpy(), CENTERS)


def test_the_loss_is_that_of_the_old_centers():
    layer = layer_of(loss_weight=1.0)
    layer(X, LABELS, training=True)
    np.testing.assert_allclose(layer.losses[0], 1.5, rtol=1e-6)


def test_a_class_of_its_own():
    """One class, the batch of it: c - rate (N c - sum x) / (1 + N)."""
    layer = layer_of(rate=1.0)
    layer(X, np.array([1, 1, 1]), training=True)
    wanted = CENTERS[1] - (3 * CENTERS[1] - X.sum(0)) / 4
    np.testing.assert_allclose(layer.centers.numpy()[1], wanted, rtol=1e-6)
    np.testing.assert_array_equal(layer.centers.numpy()[0], CENTERS[0])


def test_what_is_trained():
    assert layer_of().trainable_weights == []
    assert len(layer_of().non_trainable_weights) == 1
    assert len(layer_of(gradient="caffe").trainable_weights) == 1


def test_no_labels_no_loss():
    layer = layer_of()
    np.testing.assert_array_equal(layer(X, training=True), X)
    assert layer.losses == []
    np.testing.assert_array_equal(layer.centers.numpy(), CENTERS)


def test_centers_near_their_class_move_under_half_policies():
    """In float16, 1024 + 0.5 x 0.5 is 1024."""
    layer = CenterLoss(1, dtype="float16")
    layer.build((None, 1))
    layer.centers.assign([[1024.0]])
    x = ops.convert_to_tensor([[1025.0]], "float16")
    outputs = layer(x, np.array([0]), training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == "float16"
    np.testing.assert_allclose(layer.centers.numpy(), [[1024.25]])


def test_long_and_empty_vectors_are_finite():
    for x in (np.zeros((3, 2)), np.full((3, 2), 1e15), np.full((3, 2), 3e38)):
        for gradient in ("exact", "caffe"):
            layer = layer_of(gradient=gradient)
            result = run(layer, x.astype("float32"), training=True)
            assert np.isfinite(result.value)
            assert np.isfinite(result.inputs[0]).all()
            assert np.isfinite(result.variables[0]).all()
            layer(x.astype("float32"), LABELS, training=True)
            assert np.isfinite(layer.centers.numpy()).all()


def test_fit_moves_and_saves_the_centers(tmp_path):
    image = keras.Input((4,), name="image")
    label = keras.Input((), dtype="int32", name="label", optional=True)
    features = keras.layers.Dense(2)(image)
    features = CenterLoss(3, loss_weight=0.1, name="center")(features, label)
    model = keras.Model(
        {"image": image, "label": label}, keras.layers.Dense(3)(features)
    )
    model.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    y = np.arange(12) % 3
    model.fit({"image": x, "label": y}, y, batch_size=4, verbose=0)
    centers = model.get_layer("center").centers.numpy()
    assert (np.abs(centers).sum(1) > 0).all()
    model.evaluate({"image": x, "label": y}, y, verbose=0)
    np.testing.assert_array_equal(
        model.get_layer("center").centers.numpy(), centers
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.get_layer("center").centers.numpy(), centers
    )
    # Keras before 3.13 forgets that an input is optional.
    optional = loaded.get_layer("label").optional
    given = {"image": x, "label": None if optional else y}
    np.testing.assert_allclose(
        loaded.predict(given, verbose=0), model.predict(given, verbose=0)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "`units`"),
        ({"rate": -0.1}, "`rate` must be a finite number, at least 0"),
        ({"loss_weight": float("nan")}, "`loss_weight`"),
        ({"gradient": "paper"}, "`gradient`"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        CenterLoss(**{"units": 2, **options})


def test_labels_are_checked():
    with pytest.raises(ValueError, match="argmax"):
        layer_of()(X, np.eye(3, 2))
    with pytest.raises(ValueError, match=r"\[0, 2\)"):
        layer_of()(X, np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="Flatten"):
        CenterLoss(2)(np.zeros((2, 3, 4)))
