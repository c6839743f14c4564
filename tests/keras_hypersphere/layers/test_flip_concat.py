import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.flip_concat import FlipConcat

SHAPE = (4, 6, 3)


def make_backbone():
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Conv2D(2, 3),
            keras.layers.Flatten(),
            keras.layers.Dense(5),
        ],
        name="backbone",
    )


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return rng.normal(size=(7, *SHAPE)).astype("float32")


MERGES = {
    "concat": lambda a, b: np.concatenate([a, b], axis=-1),
    "sum": np.add,
    "max": np.maximum,
}


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("normalize", [True, False])
def test_joins_both_images(images, merge, normalize):
    backbone = make_backbone()
    a = ops.convert_to_numpy(backbone(images))
    b = ops.convert_to_numpy(backbone(images[:, :, ::-1]))
    assert np.abs(a - b).max() > 0.1
    expected = MERGES[merge](a, b)
    if normalize:
        expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    found = FlipConcat(backbone, merge, normalize)(images)
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), expected, rtol=1e-5, atol=1e-6
    )


def test_mirror_image_has_the_same_sum(images):
    layer = FlipConcat(make_backbone(), "sum")
    found = [
        ops.convert_to_numpy(layer(x)) for x in (images, images[:, :, ::-1])
    ]
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("merge", MERGES)
def test_functional_model_comes_back(images, merge, tmp_path):
    image = keras.Input(SHAPE, name="image")
    backbone = make_backbone()
    features = FlipConcat(backbone, merge, normalize=True)(image)
    model = keras.Model(image, keras.layers.Dense(2)(features))
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        restored.predict(images, verbose=0),
        model.predict(images, verbose=0),
        rtol=1e-6,
    )
    inner = restored.layers[1].backbone
    assert isinstance(inner, keras.Sequential)
    assert inner.name == "backbone"
    assert inner is not backbone


def test_trains_its_backbone_in_training_mode(images):
    backbone = keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(5),
        ]
    )
    layer = FlipConcat(backbone, "sum")
    model = keras.Sequential([keras.Input(SHAPE), layer])
    model.compile("sgd", "mse")
    before = [np.array(w) for w in model.get_weights()]
    model.fit(images + 3.0, np.ones((7, 5)), verbose=0)
    assert len(layer.trainable_weights) == 4
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.abs(old - new).max() > 1e-6
    # One statistic of both images, moved once.
    mean = backbone.layers[0].moving_mean
    np.testing.assert_allclose(
        ops.convert_to_numpy(mean),
        0.01 * (images + 3.0).mean(axis=(0, 1, 2)),
        rtol=1e-4,
    )


def test_feature_maps_are_joined_on_channels(images):
    backbone = keras.layers.Conv2D(2, 3)
    layer = FlipConcat(backbone)
    assert layer(images).shape == (7, 2, 4, 4)
    assert layer.compute_output_shape((None, *SHAPE)) == (None, 2, 4, 4)


def test_half_precision_backbone_gives_its_own_dtype(images):
    backbone = keras.layers.Conv2D(2, 3, dtype="mixed_float16")
    layer = FlipConcat(backbone, "sum", normalize=True)
    found = layer(images)
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    lengths = np.linalg.norm(ops.convert_to_numpy(found).astype("f4"), axis=-1)
    np.testing.assert_allclose(lengths, 1.0, atol=2e-3)


def two_headed():
    image = keras.Input(SHAPE)
    heads = [keras.layers.Identity()(image) for _ in range(2)]
    return keras.Model(image, heads)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (lambda: "vgg", {}, "`backbone`.*backbone='vgg'"),
        (two_headed, {}, "a backbone with 2"),
        (make_backbone, {"merge": "mean"}, "`merge`.*merge='mean'"),
        (make_backbone, {"normalize": None}, "`normalize`"),
    ],
)
def test_errors(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        FlipConcat(make(), **arguments)
