import keras
import numpy as np
import pytest

from keras_hypersphere.data.labels_as_input import labels_as_input

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6)


class Batches(keras.utils.PyDataset):
    epochs = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(2 * index, 2 * index + 2)
        return X[part], Y[part]

    def on_epoch_end(self):
        self.epochs += 1


def test_arrays():
    inputs, labels, weights = labels_as_input((X, Y, Y + 1.0))
    assert list(inputs) == ["image", "label"]
    assert inputs["image"] is X
    assert inputs["label"] is labels is Y
    np.testing.assert_array_equal(weights, Y + 1.0)


def test_py_dataset():
    batches = Batches()
    wrapped = labels_as_input(batches, label_name="person")
    assert wrapped.num_batches == 3
    inputs, labels = wrapped[1]
    np.testing.assert_array_equal(inputs["image"], X[2:4])
    np.testing.assert_array_equal(inputs["person"], labels)
    wrapped.on_epoch_end()
    assert batches.epochs == 1


def test_tf_data():
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    inputs, labels = next(iter(labels_as_input(dataset)))
    np.testing.assert_array_equal(inputs["image"], X[:4])
    np.testing.assert_array_equal(labels, Y[:4])


def test_generator():
    batches = labels_as_input((X[i : i + 2], Y[i : i + 2]) for i in (0, 2))
    inputs, labels = next(batches)
    np.testing.assert_array_equal(inputs["label"], labels)


def test_errors():
    with pytest.raises(ValueError, match=r"must be \(x, y\) or"):
        labels_as_input((X,))
