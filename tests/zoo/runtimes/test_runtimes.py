"""Every runtime gives Keras's embeddings, of the weights as they are.

A runtime that is not installed is skipped, loudly; `make test-runtime`
installs them all and sets REQUIRE_RUNTIMES=1, which lets such tests fail.
"""

import importlib
import os
import sys
import threading
import warnings

import keras
import numpy as np
import pytest

from keras_hypersphere.zoo import FaceEmbedder, list_models
from keras_hypersphere.zoo.faces.preprocessing import preprocess_input
from keras_hypersphere.zoo.runtimes import automatic, make_runtime
from keras_hypersphere.zoo.runtimes.weights_watch import WeightsWatch

TENSORFLOW = pytest.mark.only_on(
    "tensorflow", reason="networks are copied by way of TensorFlow"
)
LIBRARIES = {"openvino": ["openvino"], "onnx": ["onnxruntime", "tf2onnx"]}
# By tf2onnx each takes seconds: one of each kind of layer.
ONNX = ["dlib-resnet", "lightcnn29-v2", "mobilefacenet", "sphereface4"]
CASES = [("openvino", name) for name in list_models("*.miniature")] + [
    ("onnx", f"{name}.miniature") for name in ONNX
]
MODEL = "sphereface4.miniature"


def need(runtime):
    """Skips, or fails where all must be installed."""
    for library in LIBRARIES[runtime]:
        try:
            importlib.import_module(library)
        except ImportError as error:
            if os.environ.get("REQUIRE_RUNTIMES") == "1":
                raise
            pytest.skip(f"{error}; `make test-runtime` runs this test")


def crops(embedder, count):
    shape = (count, *embedder.card.input_shape[:2], 3)
    return np.random.default_rng(count).integers(0, 256, shape, np.uint8)


def require_near(found, wanted):
    """To 1e-5 of the largest number."""
    assert found.dtype == np.float32
    limit = 1e-5 * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=limit)


def small_model(*layers):
    return keras.Sequential(
        [keras.Input((8, 6, 3)), *layers, keras.layers.Flatten()]
    )


def photos(count, seed=0):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(count, 8, 6, 3)).astype("float32")


@TENSORFLOW
@pytest.mark.parametrize(("runtime", "name"), CASES)
def test_the_embeddings_are_those_of_keras(runtime, name):
    need(runtime)
    embedder = FaceEmbedder.from_preset(name, runtime="keras")
    copy = FaceEmbedder(embedder.model, embedder.card, runtime=runtime)
    for count in (1, 5, 32, 2):
        pixels = crops(embedder, count)
        require_near(copy.embed_aligned(pixels), embedder.embed_aligned(pixels))
    require_near(
        copy.embed_aligned(pixels[0]), embedder.embed_aligned(pixels[0])
    )


@TENSORFLOW
@pytest.mark.parametrize("runtime", sorted(LIBRARIES))
def test_a_copy_follows_the_weights(runtime):
    need(runtime)
    model = small_model(keras.layers.Conv2D(4, 3))
    copy = make_runtime(runtime, model)
    x = photos(3)
    for change in (
        lambda: None,
        lambda: model.set_weights([2 * w for w in model.get_weights()]),
        lambda: model.layers[0].kernel.assign(-model.layers[0].kernel),
    ):
        change()
        copy.renew()
        require_near(copy(x), model.predict_on_batch(x))
    made = copy.run
    assert not copy.renew() and copy.run is made


@TENSORFLOW
def test_training_is_seen():
    """By `fit` on the model itself, or on one around it; not by reading."""
    model = small_model(
        keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()
    )
    watch = WeightsWatch(model)
    model.predict_on_batch(photos(2))
    model.get_weights()
    assert not watch.changed()
    model.set_weights(model.get_weights())
    assert watch.changed()
    around = keras.Sequential([model, keras.layers.Dense(2)])
    around.compile("sgd", "mse", jit_compile=False)
    for layer in (model.layers[0], model.layers[1]):
        for each in model.layers:
            each.trainable = each is layer
        around.compile("sgd", "mse", jit_compile=False)
        watch = WeightsWatch(model)
        around.fit(photos(4), np.zeros((4, 2)), verbose=0)
        assert watch.changed()
    model.trainable = False
    around.compile("sgd", "mse", jit_compile=False)
    watch = WeightsWatch(model)
    around.fit(photos(4), np.zeros((4, 2)), verbose=0)
    assert not watch.changed()


@TENSORFLOW
def test_auto_begins_in_keras():
    need("openvino")
    model = small_model(keras.layers.Conv2D(4, 3))
    runtime = make_runtime("auto", model)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for count in (100, automatic.MANY - 101, 1, 7):
            assert runtime.copy is None
            x = photos(count)
            require_near(runtime(x), model.predict_on_batch(x))
            if count == 1:
                break
        assert runtime.copy is not None
        require_near(runtime(photos(7)), model.predict_on_batch(photos(7)))
        model.layers[0].bias.assign(np.ones(4))
        runtime.renew()
        assert runtime.copy is None and runtime.seen == 0
        require_near(runtime(photos(7)), model.predict_on_batch(photos(7)))


class Sorted(keras.layers.Layer):
    """Computes in Python, which no graph can hold."""

    def call(self, x):
        import tensorflow as tf

        y = tf.numpy_function(np.sort, [x], tf.float32)
        return tf.ensure_shape(y, x.shape)


class Counting(keras.layers.Layer):
    """Never the same twice, while a copy stays as it was made."""

    def build(self, shape):
        self.calls = self.add_weight(
            shape=(), initializer="zeros", trainable=False
        )

    def call(self, x):
        self.calls.assign_add(1.0)
        return x * self.calls


@TENSORFLOW
@pytest.mark.parametrize(
    ("layer", "words"),
    [(Sorted, "cannot be copied"), (Counting, "differ from Keras's")],
)
def test_auto_stays_in_keras_with_a_warning(layer, words):
    need("openvino")
    model = small_model(layer())
    runtime = make_runtime("auto", model)
    with pytest.warns(UserWarning, match=words):
        runtime(photos(automatic.MANY))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        found = runtime(photos(automatic.MANY))
    assert found.shape == (automatic.MANY, 144) and runtime.copy is None


@TENSORFLOW
def test_auto_without_openvino_is_keras(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    model = small_model(keras.layers.Conv2D(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        runtime = make_runtime("auto", model)
        x = photos(automatic.MANY)
        np.testing.assert_array_equal(runtime(x), model.predict_on_batch(x))
        assert runtime.copy is None


@TENSORFLOW
@pytest.mark.parametrize("runtime", sorted(LIBRARIES))
def test_a_missing_library_is_named(monkeypatch, runtime):
    monkeypatch.setitem(sys.modules, LIBRARIES[runtime][0], None)
    with pytest.raises(ImportError, match=r"keras-hypersphere\[runtime\]"):
        FaceEmbedder.from_preset(MODEL, runtime=runtime)


@TENSORFLOW
def test_threads_may_share_a_copy():
    need("openvino")
    embedder = FaceEmbedder.from_preset(MODEL, runtime="openvino")
    pixels = crops(embedder, 8)
    wanted = embedder.embed_aligned(pixels)
    wrong = []

    def work(place):
        for _ in range(5):
            found = embedder.embed_aligned(pixels[place])
            if np.abs(found - wanted[place]).max() > 1e-4:
                wrong.append(place)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@TENSORFLOW
def test_what_is_saved_is_computed_in_keras(tmp_path):
    need("openvino")
    embedder = FaceEmbedder.from_preset(MODEL, runtime="openvino")
    card = embedder.save_to_preset(tmp_path)
    again = FaceEmbedder.from_preset(tmp_path, runtime="keras")
    np.testing.assert_array_equal(
        again.save_to_preset(tmp_path).golden_output, card.golden_output
    )


def test_batches_in_keras():
    """Of any size, without the rows that fill them up."""
    embedder = FaceEmbedder.from_preset(MODEL, runtime="keras")
    pixels = crops(embedder, 5)
    x = preprocess_input(pixels, embedder.card)
    runtime = make_runtime("keras", embedder.model)
    for count in (1, 2, 3, 5):
        found = runtime(x[:count])
        wanted = embedder.model.predict(x[:count], verbose=0)
        assert found.shape == wanted.shape
        require_near(found, wanted)


def test_unknown_runtime():
    with pytest.raises(ValueError, match="one of 'auto', 'keras'"):
        FaceEmbedder.from_preset(MODEL, runtime="tensorrt")
