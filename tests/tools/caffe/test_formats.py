"""Files of every format give the same model."""

import warnings

import h5py
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    BlobProto,
    blob_array,
    read_caffemodel,
    read_prototxt,
    set_blob,
    write_caffemodel,
    write_prototxt,
)
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    to_keras,
)
from keras_hypersphere.tools.caffe.building.weights import OtherNetworkError


@pytest.fixture
def network(recording):
    """A small one with blobs of several ranks."""
    case = recording("model_superset_shuffled")
    return case.prototxt, case.caffemodel


@pytest.fixture
def expected(network):
    return to_keras(*network).get_weights()


def same(expected, prototxt, model):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        weights = to_keras(prototxt, model).get_weights()
    assert len(weights) == len(expected) > 2
    for one, other in zip(expected, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_as_text_and_network_as_binary(network, expected, tmp_path):
    text, binary = tmp_path / "weights", tmp_path / "network"
    write_prototxt(read_caffemodel(network[1]), text)
    write_caffemodel(read_prototxt(network[0]), binary)
    same(expected, network[0], text)
    same(expected, binary, network[1])
    same(expected, binary, text)


def test_hdf5_with_any_name(network, expected, tmp_path):
    path = tmp_path / "model.caffemodel"
    with h5py.File(path, "w") as file:
        for layer in read_caffemodel(network[1]).layer:
            group = file.create_group(f"data/{layer.name}")
            for index, blob in enumerate(layer.blobs):
                group[str(index)] = blob_array(blob)
    same(expected, network[0], path)


def one_by_one(blob):
    """The same blob with a tag before each number."""
    values = blob_array(blob)
    rest = BlobProto()
    rest.shape.dim.extend(values.shape)
    return rest.SerializeToString() + b"".join(
        b"\x2d" + np.float32(value).tobytes() for value in values.ravel()
    )


def test_unpacked_and_double_numbers(network, expected, tmp_path):
    net = read_caffemodel(network[1])
    for layer in net.layer:
        for blob in layer.blobs:
            blob.ParseFromString(one_by_one(blob))
    content = b""
    for layer in net.layer:
        pieces = b"\x0a" + bytes([len(layer.name)]) + layer.name.encode()
        for blob in layer.blobs:
            raw = one_by_one(blob)
            pieces += b"\x3a" + varint(len(raw)) + raw
        content += b"\xa2\x06" + varint(len(pieces)) + pieces
    path = tmp_path / "unpacked"
    path.write_bytes(content)
    same(expected, network[0], path)
    for layer in net.layer:
        for blob in layer.blobs:
            blob.double_data.extend(blob.data)
            blob.ClearField("data")
    write_caffemodel(net, tmp_path / "double")
    same(expected, network[0], tmp_path / "double")


def varint(number):
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + varint(high) if high else bytes([low])


def test_one_file_may_be_both(network, expected, tmp_path):
    """Layers begin with the blobs that the network's own file has."""
    net = read_prototxt(network[0])
    blobs = {
        layer.name: layer.blobs for layer in read_caffemodel(network[1]).layer
    }
    for layer in net.layer:
        layer.blobs.extend(blobs.get(layer.name, ()))
    for write in (write_caffemodel, write_prototxt):
        write(net, tmp_path / "both")
        same(expected, tmp_path / "both", None)
        # What the second file holds comes first.
        same(expected, tmp_path / "both", network[1])


def test_blobs_of_the_network_that_do_not_fit(network, tmp_path):
    net = read_prototxt(network[0])
    layer = next(layer for layer in net.layer if layer.type == "Convolution")
    layer.blobs.add(data=[1])
    path = tmp_path / "net.prototxt"
    write_prototxt(net, path)
    with pytest.raises(CaffeFormatError, match="holds 1 blobs") as caught:
        to_keras(path)
    assert (caught.value.file, caught.value.layer) == (str(path), layer.name)


@pytest.mark.parametrize(
    "name",
    ["mtcnn_det1", "mtcnn_det2", "mtcnn_det4", "normface_lenet_figure2"],
)
@pytest.mark.filterwarnings("ignore:.*fields that official Caffe")
def test_files_in_the_wrong_order(name, recording):
    """What was trained is in a caffemodel too, and seldom converts."""
    case = recording(name)
    with pytest.raises(CaffeFormatError, match="prototxt first") as caught:
        to_keras(case.caffemodel, case.prototxt)
    assert caught.value.file == str(case.prototxt)
    assert "is text without blobs" in str(caught.value)
    with pytest.raises(CaffeFormatError, match="which no layer") as caught:
        to_keras(case.caffemodel)
    assert str(caught.value).endswith(
        "this file is binary: if it is the caffemodel, give the prototxt "
        "first and the caffemodel second"
    )
    assert caught.value.message in str(caught.value)


def test_the_wrong_order_of_other_files(sample, write):
    with pytest.raises(CaffeFormatError, match="is text without blobs"):
        to_keras(sample[1], sample[0])
    # One that holds blobs, as text, and what no converter knows.
    odd = write(
        'input: "x" input_shape { dim: 1 dim: 2 } layer { name: "l" '
        'type: "Odd" bottom: "x" top: "y" blobs { data: 1 } }'
    )
    with pytest.raises(UnsupportedLayerError, match="has blobs: if it is"):
        to_keras(odd)
    with pytest.raises(UnsupportedLayerError) as caught:
        to_keras(write('layer { name: "l" type: "Odd" top: "y" }'))
    assert "prototxt first" not in str(caught.value)


def test_a_caffemodel_of_another_network(network, write, tmp_path):
    """Not one layer's weights: the result would be random."""
    caffemodel = network[1]
    other = write(
        'input: "x" input_shape { dim: 1 dim: 3 } layer { name: "other" '
        'type: "InnerProduct" bottom: "x" top: "y" '
        "inner_product_param { num_output: 2 } }"
    )
    layers = {
        layer.name: [blob_array(blob) for blob in layer.blobs]
        for layer in read_caffemodel(caffemodel).layer
        if layer.blobs
    }
    hdf5 = tmp_path / "m.h5"
    with h5py.File(hdf5, "w") as file:
        for name, arrays in layers.items():
            for index, array in enumerate(arrays):
                file[f"data/{name}/{index}"] = array
    for weights in (caffemodel, hdf5):
        with pytest.raises(OtherNetworkError) as caught:
            to_keras(other, weights)
        assert caught.value.file == str(weights)
        words = str(caught.value)
        assert all(name in words for name in layers)
        assert "none for the network's other; give the caffemodel" in words
    # Blobs of its own do not make the caffemodel the right one.
    net = read_prototxt(other)
    set_blob(net.layer[-1].blobs.add(), np.ones((2, 3), "f4"))
    set_blob(net.layer[-1].blobs.add(), np.ones(2, "f4"))
    write_prototxt(net, tmp_path / "own")
    to_keras(tmp_path / "own")
    with pytest.raises(OtherNetworkError):
        to_keras(tmp_path / "own", caffemodel)
    # A network that has none asks for none.
    bare = write(
        'input: "x" input_shape { dim: 1 dim: 3 }\n'
        'layer { name: "r" type: "ReLU" bottom: "x" top: "y" }'
    )
    assert to_keras(bare, caffemodel).count_params() == 0


@pytest.mark.parametrize("double", [False, True])
def test_a_mean_file_instead_of_weights(double, sample, tmp_path):
    mean = BlobProto()
    if double:
        mean.shape.dim.extend([1, 1, 4, 5])
        mean.double_data.extend(np.arange(20.0))
    else:
        mean.num, mean.channels, mean.height, mean.width = 1, 1, 4, 5
        mean.data.extend(np.arange(20.0))
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(mean.SerializeToString())
    with pytest.raises(OtherNetworkError, match="is a mean image of 4x5x1"):
        to_keras(sample[0], path)


def test_hdf5_leaves_out_what_is_shared(tmp_path, write):
    """As `Net::ToHDF5` does: only the first of the layers stores a blob."""
    text = 'input: "x" input_shape { dim: 1 dim: 3 } '
    for name, bottom in (("a", "x"), ("b", "a")):
        text += (
            f'layer {{ name: "{name}" type: "InnerProduct" top: "{name}" '
            f'bottom: "{bottom}" param {{ name: "w" }} '
            "inner_product_param { num_output: 3 } }"
        )
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["data/a/0"] = np.arange(9, dtype="f4").reshape(3, 3)
        file["data/a/1"] = np.ones(3, "f4")
        file["data/b/1"] = np.full(3, 2, "f4")
    model = to_keras(write(text), path)
    x = np.array([[1, 0, 2]], "f4")
    kernel = np.arange(9).reshape(3, 3)
    first = x @ kernel.T + 1
    np.testing.assert_allclose(
        model.predict(x, verbose=0), first @ kernel.T + 2, rtol=1e-6
    )
    with h5py.File(path, "a") as file:
        del file["data/b/1"]
    with pytest.raises(CaffeFormatError, match="layer 'b'"):
        to_keras(write(text), path)
