"""`ChunkedClasses`: the numbers of the plain head, without its matrix."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import layers, schedules
from keras_hypersphere.models import MarginModel, with_head
from keras_hypersphere.testing.gradients import differentiated

N, D, C = 12, 6, 23
HEADS = {
    "arc": lambda: layers.ArcFace(C, scale=8.0),
    "straight": lambda: layers.ArcFace(
        C, scale=8.0, gradient="straight-through"
    ),
    "curricular": lambda: layers.CurricularFace(C, scale=8.0),
    "subcenters": lambda: layers.SubCenterArcFace(C, scale=8.0),
    "elastic": lambda: layers.ElasticFace(C, scale=8.0, seed=2, plus=True),
    "asoftmax": lambda: layers.ASoftmax(
        C, annealing=schedules.LambdaAnnealing(2.0, minimum=0.5)
    ),
    "lsoftmax": lambda: layers.LSoftmax(C, annealing=None),
    "ada": lambda: layers.AdaFace(C, scale=8.0),
    "mag": lambda: layers.MagFace(C, scale=8.0),
    "caffe": lambda: layers.AMSoftmax(C, scale=8.0, gradient="caffe"),
    "ignored": lambda: layers.ArcFace(C, scale=8.0, ignore_class=3),
    "at test": lambda: layers.AMSoftmax(C, scale=8.0, margin_at_test=True),
}
QUICK = ("arc",)


def some(names):
    return [
        pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow])
        for n in names
    ]


def batch(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, D)).astype("float32")
    y = rng.integers(0, C, N).astype("int32")
    y[:2] = 3, 3
    return x, y


def model(head, chunk=None, steps=None):
    if chunk:
        head = layers.ChunkedClasses(head, chunk)
    start = keras.initializers.RandomNormal(0.0, 0.5, seed=1)
    backbone = keras.Sequential(
        [keras.Input((D,)), keras.layers.Dense(D, kernel_initializer=start)]
    )
    made = MarginModel(backbone, head)
    rng = np.random.default_rng(4)
    kernel = rng.normal(size=head.kernel.shape).astype("float32")
    inner = head.head if chunk else head
    if inner.gradient == "caffe":
        kernel /= np.linalg.norm(kernel, axis=0)
    head.kernel.assign(kernel)
    optimizer = keras.optimizers.SGD(
        0.05, momentum=0.9, gradient_accumulation_steps=steps
    )
    made.compile(optimizer)
    return made


def trained(name, chunk=None, steps=None):
    made = model(HEADS[name](), chunk, steps)
    x, y = batch()
    logs = made.fit(x, y, batch_size=6, epochs=2, shuffle=False, verbose=0)
    told = made.evaluate(x, y, verbose=0, return_dict=True)
    return logs.history, told, made.get_weights()


def require_same(found, wanted):
    assert set(found[0]) == set(wanted[0])
    for key, values in wanted[0].items():
        np.testing.assert_allclose(found[0][key], values, 1e-5, 1e-5)
    for key, value in wanted[1].items():
        np.testing.assert_allclose(found[1][key], value, 1e-5, 1e-5)
    for a, b in zip(found[2], wanted[2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("name", some(HEADS))
def test_trains_as_the_plain_head(name):
    # 23 classes are 3 chunks of 8 with a rest of 7.
    require_same(trained(name, 10), trained(name))


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [1, 23, 100])
def test_any_size_of_chunk(chunk):
    require_same(trained("arc", chunk), trained("arc"))


@pytest.mark.slow
def test_accumulated_batches():
    require_same(trained("asoftmax", 10, 2), trained("asoftmax", steps=2))


def test_loss_and_gradients_are_those_of_loops():
    x, y = batch()
    layer = layers.ChunkedClasses(layers.AMSoftmax(C, 0.2, 5.0), 4)
    layer.build((None, D))
    w = ops.convert_to_numpy(layer.kernel).astype("float64")

    def loss_of(x, w):
        total = 0.0
        for i in range(N):
            logits = []
            for j in range(C):
                size = np.linalg.norm(x[i]) * np.linalg.norm(w[:, j])
                cosine = x[i] @ w[:, j] / size
                logits.append(5.0 * (cosine - 0.2 * (j == y[i])))
            total += np.log(np.sum(np.exp(logits))) - logits[y[i]]
        return total / N

    def function(x):
        classes = layer(x, labels=y, training=True)
        return sum(layer.losses), [classes]

    result = differentiated(function, layer.trainable_variables)(
        [ops.convert_to_tensor(x)]
    )
    wide = x.astype("float64")
    np.testing.assert_allclose(float(result.value), loss_of(wide, w), rtol=1e-5)
    rng = np.random.default_rng(2)
    for _ in range(3):
        by_x, by_w = rng.normal(size=x.shape), rng.normal(size=w.shape)
        step = 1e-5
        slope = loss_of(wide + step * by_x, w + step * by_w)
        slope -= loss_of(wide - step * by_x, w - step * by_w)
        found = (result.inputs[0] * by_x).sum()
        found += (result.variables[0] * by_w).sum()
        np.testing.assert_allclose(found, slope / (2 * step), rtol=1e-4)


def test_without_labels_plain_logits_and_with_them_classes():
    x, y = batch()
    head = HEADS["arc"]()
    layer = layers.ChunkedClasses(head, 10)
    plain = ops.convert_to_numpy(layer(x))
    np.testing.assert_array_equal(plain, ops.convert_to_numpy(head(x)))
    found = np.asarray(layer(x, labels=y, training=True))
    assert found.dtype == "int32"
    np.testing.assert_array_equal(found, plain.argmax(axis=1))


def test_functional_model_trains_by_its_added_loss():
    x, y = batch()
    losses = []
    for chunk in (None, 10):
        head = layers.ArcFace(C, scale=8.0, kernel_initializer="ones")
        if chunk:
            head = layers.ChunkedClasses(head, chunk)
        start = keras.initializers.RandomNormal(seed=1)
        backbone = keras.Sequential(
            [keras.Input((D,)), keras.layers.Dense(D, kernel_initializer=start)]
        )
        made = with_head(backbone, head)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        made.compile(keras.optimizers.SGD(0.1), None if chunk else loss)
        data = {"image": x, "label": y}
        history = made.fit(
            data, y, epochs=2, shuffle=False, batch_size=6, verbose=0
        )
        losses.append(history.history["loss"])
        logits = made.predict({"image": x, "label": None}, verbose=0)
        assert logits.shape == (N, C)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


def test_saved_with_its_head(tmp_path):
    made = model(HEADS["asoftmax"](), 10)
    x, y = batch()
    made.fit(x, y, verbose=0)
    made.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.head.chunk == 10
    assert again.head.head.margin == made.head.head.margin
    np.testing.assert_allclose(
        again.evaluate(x, y, verbose=0),
        made.evaluate(x, y, verbose=0),
        rtol=1e-6,
    )


@pytest.mark.slow
def test_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        require_same(trained("arc", 10), trained("arc"))
    finally:
        keras.config.set_dtype_policy(before)


def test_other_weights_of_a_head_learn():
    class Tempered(layers.AMSoftmax):
        def build(self, inputs_shape, labels_shape=None):
            self.heat = self.add_weight(name="heat", initializer="ones")
            super().build(inputs_shape, labels_shape)

        def logits(self, x, classes=None):
            return super().logits(x, classes) * ops.convert_to_tensor(self.heat)

    x, y = batch()
    weights = []
    for chunk in (None, 10):
        made = model(Tempered(C, scale=8.0), chunk)
        made.fit(x, y, batch_size=6, shuffle=False, verbose=0)
        weights.append(made.get_weights())
    assert any(w.shape == () and w != 1.0 for w in weights[0])
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_a_head_that_reads_its_kernel_is_refused():
    class Stubborn(layers.AMSoftmax):
        def logits(self, x, classes=None):
            kernel = ops.convert_to_tensor(self.kernel)
            if classes is not None:
                kernel = ops.take(kernel, classes, axis=1)
            return ops.matmul(x, kernel)

    x, y = batch()
    with pytest.raises(ValueError, match="class_weights"):
        layers.ChunkedClasses(Stubborn(C), 10)(x, labels=y, training=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.ChunkedClasses(layers.UniFace(5)), "UniFace"),
        (lambda: layers.ChunkedClasses(layers.CosineDense(5)), "MarginHead"),
        (lambda: layers.ChunkedClasses(layers.ArcFace(5), 0), "`chunk`"),
        (
            lambda: layers.ChunkedClasses(layers.ArcFace(5), units=5),
            "`units` is the head's",
        ),
    ],
)
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    "given", [{"loss": "sparse_categorical_crossentropy"}, {"metrics": ["mse"]}]
)
def test_logits_are_not_there_for_losses_and_metrics(given):
    made = model(HEADS["arc"](), 10)
    with pytest.raises(ValueError, match="no logits"):
        made.compile("sgd", **given)
