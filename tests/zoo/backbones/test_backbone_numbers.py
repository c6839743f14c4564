"""What the backbones compute, at the smallest sizes that show it."""

import re

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere import zoo
from keras_hypersphere.zoo.backbones import facenet_small, inception


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def test_published_initializers():
    """Xavier by the inputs, 0.01 in residual units, slopes of 0.25."""
    keras.utils.set_random_seed(0)
    model = zoo.SphereFace10(input_shape=(16, 16, 3))
    values = {
        w.path: keras.ops.convert_to_numpy(w.value) for w in model.weights
    }
    stride = values["conv3_1/kernel"]
    edge = (3 / (3 * 3 * 128)) ** 0.5
    assert 0.999 * edge < np.abs(stride).max() <= edge
    assert stride.std() == pytest.approx(edge / 3**0.5, rel=0.02)
    inside = values["conv3_2/kernel"]
    assert inside.std() == pytest.approx(0.01, rel=0.02)
    assert np.abs(inside).max() > 0.035
    assert not np.array_equal(inside, values["conv3_4/kernel"])
    for path, value in values.items():
        if path.endswith("bias"):
            assert not value.any()
        elif path.endswith("alpha"):
            assert (value == 0.25).all()
    light = zoo.LightCNNB(input_shape=(16, 16, 1))
    assert np.allclose(light.get_layer("conv3a").bias, 0.1)
    assert np.allclose(light.get_layer("fc1").bias, 0.1)


def xavier_edge(fan_in):
    """Caffe's `xavier` is uniform up to it, by the inputs alone."""
    return (3 / fan_in) ** 0.5


@pytest.mark.parametrize(
    ("name", "shape", "residual"),
    [
        ("CenterFace", (33, 33, 3), re.compile(r"conv\d_\d+")),
        ("LeNetPlusPlus", (28, 28, 1), re.compile("none")),
        ("LightCNNA", (57, 57, 1), re.compile("none")),
    ],
)
def test_initializers_of_prototxts(name, shape, residual):
    """CenterFace: 0.01 in residual units; LightCNN: biases of 0.1."""
    keras.utils.set_random_seed(0)
    model = getattr(zoo, name)(
        input_shape=shape, include_top=True, classes=40, width=0.5
    )
    seen = set()
    for layer in model.layers:
        for weight in layer.weights:
            value = keras.ops.convert_to_numpy(weight.value)
            kind = weight.path.split("/")[-1]
            if kind == "alpha":
                assert (value == np.float32(0.25)).all()
            elif kind == "bias":
                expected = 0.1 if name == "LightCNNA" else 0.0
                assert (value == np.float32(expected)).all()
            elif residual.fullmatch(layer.name):
                assert value.std() == pytest.approx(0.01, rel=0.1)
                assert np.abs(value).max() > 0.03
                kind = "residual"
            else:
                edge = xavier_edge(np.prod(value.shape[:-1]))
                # The fewer numbers, the farther the largest may be from it.
                least = 1 - 20 / value.size
                assert least * edge < np.abs(value).max() <= edge
                if value.size > 1000:
                    spread = edge / 3**0.5
                    assert value.std() == pytest.approx(spread, rel=0.1)
            seen.add(kind)
    expected = {"kernel", "bias"}
    expected |= set() if name == "LightCNNA" else {"alpha"}
    expected |= {"residual"} if name == "CenterFace" else set()
    assert seen == expected


@pytest.mark.parametrize(
    ("name", "shape"),
    [("FaceNetNNS2", (32, 32, 3)), ("LeNetPlusPlus", (12, 13, 1))],
)
def test_runs(name, shape):
    model = getattr(zoo, name)(input_shape=shape)
    # Compiled: on JAX hundreds of operations take minutes one by one.
    y = model.predict(images(3, *shape), verbose=0)
    assert np.isfinite(y).all() and y.std() > 0
    if name == "FaceNetNNS2":
        np.testing.assert_allclose(np.linalg.norm(y, axis=1), 1, rtol=1e-5)


def test_pooling_of_three_along_odd_and_even_sides():
    from keras_hypersphere.zoo.backbones.lenet_pp import pool_of_three

    # Caffe: ceil((n - 3) / 2) + 1 windows, cut off at the end.
    for shape in ((7, 7), (6, 6), (7, 6), (6, 9)):
        x = -1 - np.abs(images(1, *shape, 2))
        inputs = keras.Input((*shape, 2))
        model = keras.Model(inputs, pool_of_three(inputs, "pool"))
        counts = [-(-(n - 3) // 2) + 1 for n in shape]
        expected = np.array(
            [
                [
                    x[0, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max((0, 1))
                    for j in range(counts[1])
                ]
                for i in range(counts[0])
            ]
        )
        y = keras.ops.convert_to_numpy(model(x))
        np.testing.assert_array_equal(y[0], expected)


def test_an_inception_module_by_hand():
    """Branches in the order 1 x 1, 3 x 3, 5 x 5, pooling."""
    row = inception.Module("x", 1, 1, 2, 1, 3, "l2", 0)
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, inception.module(inputs, row, False))
    for layer in model.layers:
        if layer.weights:
            layer.kernel.assign(np.ones(layer.kernel.shape))
    x = np.zeros((1, 4, 4, 1), "float32")
    x[0, 0, 0, 0] = 3.0
    x[0, 1, 1, 0] = 4.0
    y = keras.ops.convert_to_numpy(model(x))[0]
    np.testing.assert_allclose(y[0, 0], [3, 7, 7, 7, 7, 7, 5], rtol=1e-6)
    np.testing.assert_allclose(y[2, 2], [0, 4, 4, 7, 7, 7, 4], rtol=1e-6)
    np.testing.assert_allclose(y[3, 3], [0, 0, 0, 4, 4, 4, 0], rtol=1e-6)


def test_shares_of_widths():
    factor, multiple, _ = facenet_small.NNS1
    assert facenet_small.share(16, factor, multiple) == 8
    assert facenet_small.share(64, factor, multiple) == 28
    factor, multiple, _ = facenet_small.NNS2
    assert facenet_small.share(16, factor, multiple) == 8
    [row] = inception.resized([inception.NN2[2]], lambda width: width + 1)
    assert (row.one, row.reduce3, row.three, row.project) == (0, 129, 257, 0)


def test_sphereface_top_is_length_times_cosine():
    model = zoo.SphereFace4(
        input_shape=(16, 16, 3),
        include_top=True,
        classes=3,
        classifier_activation=None,
    )
    head = model.get_layer("fc6")
    head.kernel.assign(3 * keras.ops.convert_to_numpy(head.kernel.value))
    features = keras.Model(model.input, model.get_layer("fc5").output)
    x = images(2, 16, 16, 3)
    f = keras.ops.convert_to_numpy(features(x))
    w = keras.ops.convert_to_numpy(head.kernel.value)
    expected = f @ (w / np.linalg.norm(w, axis=0))
    y = keras.ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_trains_with_a_head_and_saves(tmp_path):
    """The smallest network; frozen biases as its prototxt has them."""
    model = zoo.SphereFace10(input_shape=(16, 16, 3), width=1 / 8)
    trained = kh.models.MarginModel(model, kh.layers.ASoftmax(4))
    trained.compile(
        kh.optimizers.CaffeSGD(
            0.05,
            multipliers={
                "conv?_1/bias": (2, 0),
                "fc5/bias": (2, 0),
                "bias": (0, 0),
            },
        ),
        jit_compile=False,
    )
    x, y = images(8, 16, 16, 3), np.arange(8) % 4
    losses = trained.fit(x, y, epochs=6, batch_size=8, verbose=0).history
    assert losses["loss"][-1] < losses["loss"][0]
    inside = keras.ops.convert_to_numpy(model.get_layer("conv2_2").bias.value)
    outside = keras.ops.convert_to_numpy(model.get_layer("conv2_1").bias.value)
    assert not inside.any() and outside.any()
    model.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), loaded.predict(x, verbose=0)
    )


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_files_of_the_user(tmp_path, suffix):
    shape = (16, 16, 1)
    model = zoo.LeNetPlusPlus(input_shape=shape)
    path = tmp_path / f"mine{suffix}"
    model.save(path) if suffix == ".keras" else model.save_weights(path)
    again = zoo.LeNetPlusPlus(weights=path, input_shape=shape)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="mine"):
        zoo.LeNetPlusPlus(weights=path, input_shape=(28, 28, 1))
