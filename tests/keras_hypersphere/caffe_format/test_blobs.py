import struct

import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    BlobProto,
    CaffeFormatError,
    blob_array,
    blob_shape,
    set_blob,
)

VALUES = [1.5, -2.0, 3.25, 0.1, 1e-40, 6.0]


def test_packed_unpacked_and_mixed():
    packed = struct.pack("<6f", *VALUES)
    shape = bytes([0x3A, 4, 0x0A, 2, 2, 3])  # 7: { 1: [2, 3] }
    in_one = bytes([0x2A, 24]) + packed
    one_by_one = b"".join(
        bytes([0x2D]) + struct.pack("<f", value) for value in VALUES
    )
    mixed = bytes([0x2A, 8]) + packed[:8] + one_by_one[10:]
    expected = np.array(VALUES, np.float32).reshape(2, 3)
    for data in (in_one, one_by_one, mixed):
        blob = BlobProto.FromString(shape + data)
        array = blob_array(blob)
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected)
        assert list(blob.data) == list(expected.ravel())


def test_doubles():
    blob = BlobProto(double_data=[1 / 3, 2])
    blob.shape.dim.append(2)
    assert blob_array(blob).dtype == np.float64
    assert blob_array(blob)[0] == 1 / 3


def test_legacy_and_scalar_shapes():
    assert blob_shape(BlobProto(num=1, channels=1, height=2, width=3)) == (
        1,
        1,
        2,
        3,
    )
    both = BlobProto(num=1, channels=1, height=1, width=6)
    both.shape.dim.append(6)
    # Caffe asks for the old fields first.
    assert blob_shape(both) == (1, 1, 1, 6)
    scalar = BlobProto(data=[0.25])
    assert blob_shape(scalar) == ()
    assert blob_array(scalar) == np.float32(0.25)


@pytest.mark.parametrize("shape", [(3, 4), (), (1,), (2, 3, 4, 5)])
def test_round_trip(shape):
    array = np.random.default_rng(0).random(shape, np.float32)
    blob = BlobProto(diff=[1.0])
    # Fortran order is not the order of a file.
    set_blob(blob, np.asarray(array, order="F"))
    again = BlobProto.FromString(blob.SerializeToString())
    np.testing.assert_array_equal(blob_array(again), array)
    assert blob_shape(again) == shape and again.HasField("shape")
    assert not again.diff


def test_more_axes_than_numpy_has():
    blob = BlobProto(data=[1.0])
    blob.shape.dim.extend([1] * 100)
    with pytest.raises(CaffeFormatError, match="100 axes"):
        blob_array(blob)


@pytest.mark.parametrize("dims", [[3], [2**40, 2**40], [-2, -3], [-1]])
def test_shapes_that_do_not_fit(dims):
    blob = BlobProto(data=VALUES)
    blob.shape.dim.extend(dims)
    with pytest.raises(CaffeFormatError, match="holds 6 values"):
        blob_array(blob)
