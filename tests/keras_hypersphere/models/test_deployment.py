"""`.backbone` alone, in every format that a phone or a server runs.

A runtime that is not installed is skipped, loudly; `make test-runtime`
installs them all and sets REQUIRE_RUNTIMES=1, which lets such tests fail.
"""

import importlib
import os

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.flip_concat import FlipConcat
from keras_hypersphere.layers.max_feature_map import MaxFeatureMap
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel

CLASSES = 4
TOLERANCE = 1e-6
PHOTOS = np.random.default_rng(0).normal(size=(12, 12, 10, 1))
PHOTOS = PHOTOS.astype("float32")
LABELS = np.arange(12) % CLASSES


def runtime(module):
    """The module, or a skip; a failure where all must be installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if os.environ.get("REQUIRE_RUNTIMES") == "1":
            raise
        pytest.skip(f"{error}; `make test-runtime` runs this test")


def need(condition, reason):
    if condition:
        return
    if os.environ.get("REQUIRE_RUNTIMES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def need_tensorflow():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("exports are tested where TensorFlow is the backend")


def network():
    return keras.Sequential(
        [
            keras.Input((12, 10, 1)),
            keras.layers.Conv2D(8, 3, padding="same"),
            MaxFeatureMap(),
            keras.layers.PReLU(shared_axes=[1, 2]),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(32),
            NormalizeLayer(),
        ]
    )


def both_sides():
    photo = keras.Input((12, 10, 1))
    merged = FlipConcat(network(), merge="sum", normalize=True)(photo)
    return keras.Model(photo, merged)


def margin_model():
    model = MarginModel(
        network(), ASoftmax(CLASSES, normalize_inputs=True, scale=16.0)
    )
    model.compile("adam")
    model.fit(PHOTOS, LABELS, verbose=0)
    return model.backbone


def headed_model():
    heads = [CenterLoss(CLASSES), CosineDense(CLASSES, scale=16.0)]
    model = with_head(both_sides(), heads)
    model.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    model.fit({"image": PHOTOS, "label": LABELS}, LABELS, verbose=0)
    return model.backbone


@pytest.fixture(scope="module", params=[margin_model, headed_model])
def backbone(request):
    keras.utils.set_random_seed(0)
    return request.param()


@pytest.fixture(scope="module")
def wanted(backbone):
    return backbone.predict(PHOTOS, verbose=0)


def require_equal(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE)


def test_keras_file(backbone, wanted, tmp_path):
    backbone.save(tmp_path / "backbone.keras")
    restored = keras.models.load_model(tmp_path / "backbone.keras")
    require_equal(restored.predict(PHOTOS, verbose=0), wanted)
    # No head, and no optimizer of the training.
    assert not any("head" in v.path for v in restored.variables)
    assert len(restored.variables) == len(backbone.variables)


@pytest.mark.slow
def test_saved_model(backbone, wanted, tmp_path):
    need_tensorflow()
    tf = pytest.importorskip("tensorflow")
    backbone.export(tmp_path / "backbone", verbose=False)
    served = tf.saved_model.load(tmp_path / "backbone")
    require_equal(served.serve(PHOTOS), wanted)
    # A batch of any size.
    require_equal(served.serve(PHOTOS[:5]), wanted[:5])


def test_onnx(backbone, wanted, tmp_path):
    need_tensorflow()
    runtime("tf2onnx")
    onnxruntime = runtime("onnxruntime")
    path = str(tmp_path / "backbone.onnx")
    backbone.export(path, format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path)
    [photos] = session.get_inputs()
    [found] = session.run(None, {photos.name: PHOTOS})
    require_equal(found, wanted)
    [found] = session.run(None, {photos.name: PHOTOS[:5]})
    require_equal(found, wanted[:5])


def test_litert(backbone, wanted, tmp_path):
    need_tensorflow()
    interpreter = runtime("ai_edge_litert.interpreter")
    path = str(tmp_path / "backbone.tflite")
    try:
        backbone.export(path, format="litert", verbose=False)
    except ValueError as error:
        need("format" not in str(error), f"Keras too old: {error}")
        raise
    lite = interpreter.Interpreter(model_path=path)
    [photos], [embeddings] = lite.get_input_details(), lite.get_output_details()
    for count in (1, 12):
        lite.resize_tensor_input(photos["index"], PHOTOS[:count].shape)
        lite.allocate_tensors()
        lite.set_tensor(photos["index"], PHOTOS[:count])
        lite.invoke()
        require_equal(lite.get_tensor(embeddings["index"]), wanted[:count])


def test_openvino(backbone, wanted, tmp_path):
    need_tensorflow()
    openvino = runtime("openvino")
    path = str(tmp_path / "backbone.xml")
    backbone.export(path, format="openvino", verbose=False)
    # By default it computes in bfloat16 where the processor can.
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.compile_model(path, "CPU", exact)
    found = compiled(PHOTOS)[compiled.output(0)]
    require_equal(found, wanted)


@pytest.mark.slow
def test_quantized(backbone, wanted, tmp_path):
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no int8 matrix product on every CPU")
    backbone.save(tmp_path / "float.keras")
    small = keras.models.load_model(tmp_path / "float.keras")
    small.quantize("int8")
    small.save(tmp_path / "int8.keras")
    sizes = [
        (tmp_path / name).stat().st_size
        for name in ("int8.keras", "float.keras")
    ]
    assert sizes[0] < 0.6 * sizes[1]
    for model in (small, keras.models.load_model(tmp_path / "int8.keras")):
        found = model.predict(PHOTOS, verbose=0)
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
        assert ((found * wanted).sum(axis=1) / lengths).min() > 0.99
    # The float model is as it was.
    require_equal(backbone.predict(PHOTOS, verbose=0), wanted)
