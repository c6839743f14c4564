import keras
import numpy as np

from keras_hypersphere.ops import columns


def test_pick_and_put():
    matrix = np.arange(6.0, dtype="float32").reshape(2, 3)
    own = columns.mask(keras.ops.array([2, 0], "int32"), 3)
    assert np.asarray(columns.gather(matrix, own)).tolist() == [[2.0], [3.0]]
    replaced = columns.scatter(matrix, own, np.float32([[9.0], [8.0]]))
    assert np.asarray(replaced).tolist() == [[0, 1, 9], [8, 4, 5]]


def test_infinite_neighbors_do_no_harm():
    matrix = np.float32([[np.inf, 2.0]])
    own = columns.mask(keras.ops.array([1], "int32"), 2)
    assert float(columns.gather(matrix, own)[0, 0]) == 2.0


def test_labels_outside_change_nothing():
    matrix = np.ones((2, 3), "float32")
    own = columns.mask(keras.ops.array([-1, 3], "int32"), 3)
    assert not np.asarray(own).any()
    replaced = columns.scatter(matrix, own, np.full((2, 1), np.nan, "float32"))
    assert np.asarray(replaced).tolist() == matrix.tolist()


def test_own_weights():
    kernel = np.arange(6.0, dtype="float32").reshape(2, 3)
    kernel = keras.ops.convert_to_tensor(kernel)
    rows = columns.own_weights(kernel, keras.ops.array([2, 0], "int32"))
    assert np.asarray(rows).tolist() == [[2.0, 5.0], [0.0, 3.0]]
