"""Every runtime gives Keras's embeddings, of the weights as they are.

A runtime that is not installed is skipped, loudly; `make test-runtime`
installs them all and sets REQUIRE_RUNTIMES=1, which lets such tests fail.
"""

import dataclasses
import importlib
import os
import sys
import threading
import warnings

import keras
import numpy as np
import pytest

from keras_hypersphere.zoo import FaceEmbedder, get_card
from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.loading.weights_watch import WeightsWatch
from keras_hypersphere.zoo.runtimes import make_runtime
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input
from keras_hypersphere.zoo.runtimes.runtime import MANY_TO_COPY
from tests.miniatures.miniature import MINIATURES

TENSORFLOW = pytest.mark.only_on(
    "tensorflow", reason="networks are copied by way of TensorFlow"
)
LIBRARIES = {"openvino": ["openvino"], "onnx": ["onnxruntime", "tf2onnx"]}
# By tf2onnx each takes seconds: one of each kind of layer.
ONNX = ["dlib-resnet", "lightcnn29-v2", "mobilefacenet", "sphereface4"]
CASES = [("openvino", each.name) for each in MINIATURES] + [
    ("onnx", f"{name}.miniature") for name in ONNX
]
pytestmark = pytest.mark.usefixtures("miniatures")
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
    return pixels(count, (*embedder.card.input_shape[:2], 3), count)


def require_near(found, wanted):
    """To 1e-5 of the largest number."""
    assert found.dtype == np.float32
    limit = 1e-5 * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=0, atol=limit)


def small_network(*layers):
    """A network of crops of 8 x 6 pixels."""
    model = keras.Sequential(
        [
            keras.Input((8, 6, 3)),
            *layers,
            keras.layers.Flatten(name="embedding"),
        ]
    )
    dim = model.output_shape[1]
    card = dataclasses.replace(
        get_card("dlib-resnet"),
        input_shape=(8, 6, 3),
        template="none",
        dim=dim,
        golden_output=(0.0,) * dim,
        parameters=0,
    )
    return Network(card, model)


def pixels(count, shape=(8, 6, 3), seed=0):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (count, *shape), np.uint8)


def in_keras(network, crops):
    x = preprocess_input(crops, network.card)
    return network.model.predict_on_batch(x)


@TENSORFLOW
@pytest.mark.parametrize(("runtime", "name"), CASES)
def test_the_embeddings_are_those_of_keras(runtime, name):
    need(runtime)
    embedder = FaceEmbedder.from_preset(name, runtime="keras")
    copy = FaceEmbedder(embedder.model, embedder.card, runtime=runtime)
    for count in (1, 5, 32, 2):
        some = crops(embedder, count)
        require_near(copy.embed_aligned(some), embedder.embed_aligned(some))
    require_near(copy.embed_aligned(some[0]), embedder.embed_aligned(some[0]))


@TENSORFLOW
@pytest.mark.parametrize("runtime", sorted(LIBRARIES))
def test_a_copy_follows_the_weights(runtime):
    need(runtime)
    network = small_network(keras.layers.Conv2D(4, 3))
    model = network.model
    copies = make_runtime(runtime, network)
    for change in (
        lambda: None,
        lambda: model.set_weights([2 * w for w in model.get_weights()]),
        lambda: model.layers[0].kernel.assign(-model.layers[0].kernel),
    ):
        change()
        require_near(copies.start()(pixels(3)), in_keras(network, pixels(3)))
    made = copies.start().run
    assert copies.start().run is made


def test_training_is_seen():
    """By `fit` on the model itself, or on one around it; not by reading."""
    model = small_network(
        keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()
    ).model
    x = pixels(4).astype("float32")
    watch = WeightsWatch(model)
    model.predict_on_batch(x)
    model.get_weights()
    assert not watch.changed()
    model.set_weights([w + 1 for w in model.get_weights()])
    assert watch.changed()
    around = keras.Sequential([model, keras.layers.Dense(2)])
    for layer in (model.layers[0], model.layers[1]):
        for each in model.layers:
            each.trainable = each is layer
        around.compile("sgd", "mse", jit_compile=False)
        watch = WeightsWatch(model)
        around.fit(x, np.zeros((4, 2)), verbose=0)
        assert watch.changed()
    model.trainable = False
    around.compile("sgd", "mse", jit_compile=False)
    watch = WeightsWatch(model)
    around.fit(x, np.zeros((4, 2)), verbose=0)
    assert not watch.changed()


@TENSORFLOW
def test_auto_takes_one_engine_for_a_run():
    need("openvino")
    network = small_network(keras.layers.Conv2D(4, 3))
    auto = make_runtime("auto", network)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for count in (None, 1, MANY_TO_COPY - 1):
            assert auto.start(count).name == "keras"
        copy = auto.start(MANY_TO_COPY)
        assert copy.name == "openvino"
        require_near(copy(pixels(7)), in_keras(network, pixels(7)))
        network.model.layers[0].bias.assign(np.ones(4))
        for count in (1, MANY_TO_COPY):
            found = auto.start(count)(pixels(7))
            require_near(found, in_keras(network, pixels(7)))


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
    auto = make_runtime("auto", small_network(layer()))
    with pytest.warns(UserWarning, match=words):
        assert auto.start(MANY_TO_COPY).name == "keras"
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert auto.start(MANY_TO_COPY).name == "keras"


@TENSORFLOW
def test_auto_without_openvino_is_keras(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    network = small_network(keras.layers.Conv2D(4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        engine = make_runtime("auto", network).start(MANY_TO_COPY)
    assert engine.name == "keras"
    np.testing.assert_array_equal(
        engine(pixels(8)), in_keras(network, pixels(8))
    )


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
    some = crops(embedder, 8)
    wanted = embedder.embed_aligned(some)
    wrong = []

    def work(place):
        for _ in range(5):
            found = embedder.embed_aligned(some[place])
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
    network = small_network(keras.layers.Conv2D(4, 3))
    engine = make_runtime("keras", network).start()
    for count in (1, 2, 3, 5):
        require_near(engine(pixels(count)), in_keras(network, pixels(count)))


def test_unknown_runtime():
    with pytest.raises(ValueError, match="one of 'auto', 'opencv', 'keras'"):
        FaceEmbedder.from_preset(MODEL, runtime="tensorrt")
