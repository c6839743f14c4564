import keras
import numpy as np
import pytest
from keras import layers

from keras_hypersphere.layers.channel_affine import ChannelAffine
from keras_hypersphere.zoo.backbones.dlib_resnet import DlibResNet
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading.dlib_file import START, DlibFormatError
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input

CARD = get_card("dlib-resnet")


@pytest.fixture(scope="module")
def model():
    return DlibResNet("dlib-resnet")


def integer(value):
    return b"\x04" + value.to_bytes(4, "little")


def dat_bytes(model):
    """The model's weights as dlib writes them."""
    data = START
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            kernel, bias = layer.get_weights()
            values = [kernel.transpose(3, 2, 0, 1), bias]
            data += b"\x01\x05con_4"
        elif isinstance(layer, ChannelAffine):
            values = layer.get_weights()
            data += b"\x01\x07affine_"
        elif layer.name == "embedding":
            (kernel,) = layer.get_weights()
            data += b"\x01\x04fc_2" + integer(128) + integer(256)
            data += integer(2) + integer(256) + integer(128)
            data += integer(1) * 2 + kernel.tobytes()
            return data
        else:
            continue
        flat = np.concatenate([v.ravel() for v in values])
        data += integer(2) + integer(flat.size) + integer(1) * 3
        data += flat.astype("<f4").tobytes()
    raise AssertionError("no embedding layer")


def test_numbers_of_the_network(model):
    assert model.count_params() == CARD.parameters == 5_614_592
    convolutions = [x for x in model.layers if isinstance(x, layers.Conv2D)]
    assert len(convolutions) == 29
    assert len([x for x in model.layers if isinstance(x, ChannelAffine)]) == 29
    assert all(x.use_bias for x in convolutions)
    assert not model.get_layer("embedding").use_bias
    assert model.output_shape == (None, 128)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("stem_conv", (72, 72, 32)),
        ("stem_pool", (35, 35, 32)),
        ("stage1_unit3_relu2", (35, 35, 32)),
        ("stage2_unit1_conv1", (17, 17, 64)),
        ("stage3_unit1_relu2", (8, 8, 128)),
        # The convolution gives 3, the pooling of the shortcut 4.
        ("stage4_unit1_conv1", (3, 3, 256)),
        ("stage4_unit1_relu2", (4, 4, 256)),
        ("stage5_unit1_conv1", (1, 1, 256)),
        ("stage5_unit1_relu2", (2, 2, 256)),
    ],
)
def test_sizes_inside(model, name, shape):
    assert model.get_layer(name).output.shape == (None, *shape)


def test_golden_output(model):
    x = preprocess_input(golden_crop(CARD)[None], CARD)
    y = model.predict(x, verbose=0)[0]
    assert np.linalg.norm(y - CARD.golden_output) < 1e-4
    assert np.linalg.norm(CARD.golden_output) > 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[..., ::-1],
        lambda x: x[:, ::-1],
        lambda x: x.swapaxes(1, 2),
        lambda x: x * 2,
    ],
)
def test_golden_output_sees_wrong_input(model, change):
    x = change(preprocess_input(golden_crop(CARD)[None], CARD))
    y = model.predict(x, verbose=0)[0]
    assert np.linalg.norm(y - CARD.golden_output) > 0.05


def test_reads_the_original_format(model, tmp_path):
    path = tmp_path / "original.dat"
    path.write_bytes(dat_bytes(model))
    read = DlibResNet(path)
    for a, b in zip(model.get_weights(), read.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_original_of_another_network(model, tmp_path):
    path = tmp_path / "original.dat"
    data = dat_bytes(model)
    # One convolution less.
    second = data.index(b"\x01\x05con_4", len(START) + 7)
    third = data.index(b"\x01\x05con_4", second + 7)
    path.write_bytes(data[:second] + data[third:])
    with pytest.raises(DlibFormatError, match=r"57 layers .*DlibResNet has 59"):
        DlibResNet(path)
    path.write_bytes(data)
    with pytest.raises(DlibFormatError, match=r"59 layers .*has 60"):
        DlibResNet(path, include_top=True, classes=3)
    path.write_bytes(data[:-1])
    with pytest.raises(DlibFormatError, match=r"original\.dat' is not dlib's"):
        DlibResNet(path)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_files_of_the_user(model, tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    model.save(path) if suffix == ".keras" else model.save_weights(path)
    read = DlibResNet(weights=str(path))
    for a, b in zip(model.get_weights(), read.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_with_a_classifier(tmp_path):
    top = DlibResNet(include_top=True, classes=7, input_shape=(103, 120, 3))
    assert top.output_shape == (None, 7)
    y = top.predict(np.zeros((2, 103, 120, 3)), verbose=0)
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-5)
    top.save_weights(tmp_path / "top.weights.h5")
    again = DlibResNet(
        tmp_path / "top.weights.h5",
        include_top=True,
        classes=7,
        input_shape=(103, 120, 3),
    )
    np.testing.assert_array_equal(
        again.get_layer("predictions").kernel,
        top.get_layer("predictions").kernel,
    )
    with pytest.raises(ValueError, match="use include_top=False"):
        DlibResNet("dlib-resnet", include_top=True, classes=7)
    logits = DlibResNet(include_top=True, classes=7, classifier_activation=None)
    activation = logits.get_layer("predictions").activation
    assert activation is keras.activations.linear


def test_name_and_random_weights():
    first, second = DlibResNet(name="mine"), DlibResNet()
    assert (first.name, second.name) == ("mine", "dlib_resnet")
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])


def test_narrow(model):
    small = DlibResNet(width=1 / 8)
    assert small.output_shape == (None, 16)
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            filters = small.get_layer(layer.name).filters
            assert filters == layer.filters // 8


def test_docstring():
    """It has the words of the other backbones, and its own file."""
    words = DlibResNet.__doc__
    assert "{" not in words and "or the original `.dat`" in words
    assert "width: The width multiplier" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (102, 150, 3)}, "sides of 103 or more"),
        ({"input_shape": (150, 150, 1)}, "input_shape="),
        ({"input_shape": (150, 150)}, "input_shape="),
        ({"input_shape": (None, None, 3)}, "input_shape="),
        ({"include_top": True}, "`classes`.*classes=None"),
        ({"include_top": True, "classes": 0}, "classes=0"),
        ({"width": 0}, "`width`.*width=0"),
        ({"weights": "a.caffemodel"}, "cannot be a caffemodel"),
        ({"weights": "dlib"}, "mean dlib-resnet"),
        ({"weights": "imagenet"}, "There is no model 'imagenet'"),
    ],
)
def test_invalid_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        DlibResNet(**arguments)


def test_missing_files(tmp_path):
    for name in ("nope.dat", "nope.weights.h5", "nope.npz"):
        with pytest.raises(FileNotFoundError, match=name):
            DlibResNet(tmp_path / name)
