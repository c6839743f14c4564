"""HDF5 weights, as Caffe writes them and as nobody should."""

import h5py
import numpy as np
import pytest

from keras_hypersphere.caffe_format import CaffeFormatError, read_blobs
from keras_hypersphere.caffe_format.hdf5 import read_hdf5
from keras_hypersphere.caffe_format.source_file import SourceFile


@pytest.fixture
def made(tmp_path):
    """Fills an HDF5 file and returns its path."""

    def make(fill):
        path = tmp_path / "m.h5"
        with h5py.File(path, "w") as file:
            fill(file)
        return path

    return make


def test_the_recorded_model(fixtures):
    path = fixtures / "model_hdf5" / "model.caffemodel.h5"
    layers = read_blobs(path)
    with h5py.File(path) as file:
        for layer, blobs in layers.items():
            for index, blob in enumerate(blobs):
                stored = file[f"data/{layer}/{index}"]
                np.testing.assert_array_equal(blob.array(), stored[()])
                assert blob.shape == stored.shape and not blob.legacy
    counts = {name: len(blobs) for name, blobs in layers.items() if blobs}
    assert layers["relu"] == [] and counts == {
        "bn": 3,
        "conv": 2,
        "ip": 2,
        "pr": 1,
        "sc": 2,
    }


def test_slashes_gaps_doubles_and_compression(made):
    def fill(file):
        file["data/conv1/7x7_s2/1"] = np.arange(3, dtype=">f8")
        file["data/conv1/0"] = np.ones(2, "i4")
        file.create_dataset(
            "data/b/0", data=np.zeros((99, 9), "f4"), compression="gzip"
        )

    layers = read_blobs(made(fill))
    missing, doubles = layers["conv1/7x7_s2"]
    assert missing is None
    np.testing.assert_array_equal(doubles.array(), [0, 1, 2])
    assert doubles.array().dtype == np.float64
    np.testing.assert_array_equal(layers["conv1"][0].array(), [1, 1])
    assert layers["b"][0].array().shape == (99, 9)


def soft(file):
    file["data/a/1"] = np.ones(2)
    file["data/a/0"] = h5py.SoftLink("/data/a/1")


def external(file):
    file.create_group("data/a")["0"] = h5py.ExternalLink("/etc/passwd", "/x")


def loop(file):
    group = file.create_group("data/a")
    group["b"] = file["data"]


def references(file):
    data = np.array([file.ref], dtype=h5py.ref_dtype)
    file.create_dataset("data/a/0", data=data, dtype=h5py.ref_dtype)


def words(file):
    file["data/a/0"] = ["ab", "c"]


def compound(file):
    file["data/a/0"] = np.zeros(2, [("x", "f4"), ("y", "f4")])


def huge(file):
    file.create_dataset("data/a/0", shape=(2**40,), dtype="f4")


def huge_compressed(file):
    file.create_dataset(
        "data/a/0", shape=(2**40,), dtype="f4", compression="gzip"
    )


def other_file(file):
    file.create_dataset(
        "data/a/0",
        shape=(100,),
        dtype="f4",
        external=[("/etc/passwd", 0, 400)],
    )


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("data/a/0", layout)


def packed(file):
    file.create_dataset(
        "data/a/0", data=np.arange(100), chunks=(50,), scaleoffset=0
    )


def nothing(file):
    file["data/a/0"] = h5py.Empty("f4")


def many(file):
    file["data/a/99999999"] = np.ones(1)


def odd_name(file):
    file["data/a/kernel"] = np.ones(1)


def no_layer(file):
    file["data/0"] = np.ones(1)


def deep(file):
    file["data/" + "a/" * 20 + "0"] = np.ones(1)


def committed(file):
    file["data/a/0"] = np.dtype("f4")


def not_caffe(file):
    file["layers/dense/vars/0"] = np.ones(1)


def not_a_group(file):
    file["data"] = np.ones(1)


@pytest.mark.parametrize(
    "fill, message",
    [
        (soft, "link to another place"),
        (external, "link to another place"),
        (loop, "not a group of layers"),
        (references, "holds no numbers"),
        (words, "holds no numbers"),
        (compound, "holds no numbers"),
        (huge, "declares 4398046511104 bytes and stores 0"),
        (huge_compressed, "declares 4398046511104 bytes"),
        (other_file, "stored in another file"),
        (virtual, "stored in another file"),
        (packed, "filter that is not supported"),
        (nothing, "holds no numbers"),
        (many, "is not a blob"),
        (odd_name, "is not a blob"),
        (no_layer, "is not a blob"),
        (deep, "not a group of layers"),
        (committed, "is not a blob"),
        (not_caffe, "no group `data`"),
        (not_a_group, "not a group"),
    ],
)
def test_refusals(fill, message, made):
    path = made(fill)
    with pytest.raises(CaffeFormatError, match=message) as caught:
        read_hdf5(SourceFile(path))
    assert str(path) in str(caught.value)


def test_truncation(fixtures, tmp_path):
    content = (fixtures / "model_hdf5" / "model.caffemodel.h5").read_bytes()
    path = tmp_path / "m.h5"
    for end in range(4, len(content), 97):
        path.write_bytes(content[:end])
        with pytest.raises(CaffeFormatError, match="cut off"):
            for blobs in read_blobs(path).values():
                for blob in blobs:
                    blob.array()
