import keras
import numpy as np
import pytest

from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.backends import compiled


def test_equals_keras_on_one_device():
    rng = np.random.default_rng(0)
    logits = (5 * rng.normal(size=(6, 4))).astype("float32")
    labels = rng.integers(0, 4, 6)
    weights = rng.random(6).astype("float32")
    stock = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for sample_weight in (None, weights):
        assert float(
            SoftmaxCrossEntropy()(labels, logits, sample_weight)
        ) == pytest.approx(float(stock(labels, logits, sample_weight)), 1e-6)


def test_saturated_logits_have_a_finite_loss_and_the_right_gradient():
    logits = np.array([[3e38, 0.0], [0.0, 3e38]], "float32")

    def function(x):
        loss = SoftmaxCrossEntropy()(np.array([1, 0]), x)
        return loss, loss

    result = gradients(function, [logits])
    assert np.isfinite(result.value)
    np.testing.assert_allclose(result.inputs[0], [[0.5, -0.5], [-0.5, 0.5]])


def test_one_hot_labels_are_refused():
    with pytest.raises(ValueError, match="one class index per sample"):
        SoftmaxCrossEntropy()(np.eye(3), np.zeros((3, 3)))


def logits_and_labels():
    rng = np.random.default_rng(1)
    logits = (5 * rng.normal(size=(6, 4))).astype("float32")
    return logits, np.array([0, 3, 1, 1, 2, 0])


def value_and_gradient(loss, labels, logits, weights=None):
    def function(x):
        value = loss(labels, x, sample_weight=weights)
        return value, value

    result = gradients(function, [logits])
    return result.value, result.inputs[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"]
)
def test_label_smoothing_is_that_of_keras(reduction, weighted):
    logits, labels = logits_and_labels()
    weights = np.arange(1, 7, dtype="float32") if weighted else None
    ours = SoftmaxCrossEntropy(label_smoothing=0.2, reduction=reduction)
    stock = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.2, reduction=reduction
    )
    one_hot = np.eye(4, dtype="float32")[labels]
    found = value_and_gradient(ours, labels, logits, weights)
    wanted = value_and_gradient(stock, one_hot, logits, weights)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-6)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignored", [1, -1])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"]
)
def test_an_ignored_class_is_that_of_keras(reduction, ignored, weighted):
    logits, labels = logits_and_labels()
    labels = np.where(labels == 1, ignored, labels)
    weights = np.arange(1, 7, dtype="float32") if weighted else None
    found, wanted = (
        value_and_gradient(
            make(ignore_class=ignored, reduction=reduction, **options),
            labels,
            logits,
            weights,
        )
        for make, options in (
            (SoftmaxCrossEntropy, {}),
            (
                keras.losses.SparseCategoricalCrossentropy,
                {"from_logits": True},
            ),
        )
    )
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-6)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_ignored_samples_are_as_if_they_were_not_there(shape):
    logits, labels = logits_and_labels()
    kept = labels != 1
    each = SoftmaxCrossEntropy(ignore_class=1, reduction=None)(
        labels.reshape(shape), logits
    )
    each = keras.ops.convert_to_numpy(each)
    assert each.shape == (6,)
    assert (each[~kept] == 0).all() and (each[kept] > 0).all()
    mean = SoftmaxCrossEntropy(ignore_class=1)(labels.reshape(shape), logits)
    rest = SoftmaxCrossEntropy()(labels[kept], logits[kept])
    assert float(mean) == pytest.approx(float(rest), 1e-6)


@pytest.mark.parametrize("where", [lambda f: f, compiled])
def test_a_label_outside_is_ignored_eagerly_and_compiled(where):
    logits, labels = logits_and_labels()
    marked = np.where(labels == 1, -1, labels)
    loss = where(SoftmaxCrossEntropy(ignore_class=-1))
    found = loss(*map(keras.ops.convert_to_tensor, (marked, logits)))
    rest = SoftmaxCrossEntropy()(labels[labels != 1], logits[labels != 1])
    assert float(found) == pytest.approx(float(rest), 1e-6)


def test_nothing_but_ignored_samples():
    logits, _ = logits_and_labels()
    loss = SoftmaxCrossEntropy(ignore_class=9)
    value, gradient = value_and_gradient(loss, np.full(6, 9), logits)
    assert value == 0.0
    assert (gradient == 0).all()


def test_the_maximum_cuts_the_value_and_not_the_gradient():
    logits = np.array([[100.0, 0.0], [0.0, 1.0]], "float32")
    labels = np.array([1, 0])
    cut = value_and_gradient(SoftmaxCrossEntropy(maximum=87.0), labels, logits)
    full = value_and_gradient(SoftmaxCrossEntropy(), labels, logits)
    assert float(full[0] - cut[0]) == pytest.approx(13 / 2, 1e-5)
    np.testing.assert_array_equal(cut[1], full[1])


def test_options_are_saved():
    loss = SoftmaxCrossEntropy(0.1, ignore_class=-1, maximum=50.0)
    again = SoftmaxCrossEntropy.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert (again.label_smoothing, again.ignore_class) == (0.1, -1)
    assert again.maximum == 50.0


@pytest.mark.parametrize(
    "options",
    [
        {"label_smoothing": 1.5},
        {"label_smoothing": -0.1},
        {"ignore_class": 0.5},
        {"maximum": 0.0},
    ],
)
def test_refused_options(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"`{name}` must.*Received: {name}="):
        SoftmaxCrossEntropy(**options)
