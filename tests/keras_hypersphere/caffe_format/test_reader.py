import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    blob_array,
    read_caffemodel,
    read_prototxt,
    write_caffemodel,
    write_prototxt,
)

LAYER = 'layer { name: "r" type: "ReLU" bottom: "x" top: "y" }'


def test_all_spellings_of_the_text_format(fixtures):
    net = read_prototxt(fixtures / "textformat_spellings" / "deploy.prototxt")
    assert net.name == "singlequoted"
    layers = {layer.name: layer for layer in net.layer}
    assert list(layers["conv"].convolution_param.kernel_size) == [3, 2]
    assert layers["conv"].convolution_param.num_output == 4
    assert layers["po\x6fl_"].pooling_param.pool == 1
    assert layers["ip"].inner_product_param.bias_term is False


def test_comments_in_any_encoding_and_a_mark_before(write):
    path = write(b"\xef\xbb\xbf# \xc4\xe3\xba\xc3\n" + LAYER.encode())
    assert read_prototxt(path).layer[0].name == "r"
    assert (
        read_prototxt(write(LAYER.replace('"r"', '"ü"'))).layer[0].name == "ü"
    )
    bad = LAYER.encode().replace(b'"r"', b'"\xc4\xe3"')
    with pytest.raises(CaffeFormatError, match="not UTF-8"):
        read_prototxt(write(bad))


@pytest.mark.parametrize(
    "content, words",
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("# nothing\n", "describes no layers"),
        ('net: "a.prototxt"\nbase_lr: 1', "a solver.*names: a.prototxt"),
        ("item { name: 'cat' id: 1 }", "a label map"),
        ("base_lr: 1", "a solver.*give a network"),
        ("base_lr: 1 larc_eta: x", "Couldn't parse float"),
        (
            "test_net_param { } train_net_param { }",
            r"2 networks \(`train_net_param`, `test_net_param`\)",
        ),
        (
            "layer { convolution_param { num_output: cls3x } }",
            "template.*cls3",
        ),
        ('layers { type: "Softmax" }', "those of 2013.*write every layer"),
        ("layers { type: MCWINDOW_DATA }", "MCWINDOW_DATA.*those of 2013"),
        ("404: Not Found", "an error of a web server"),
        ('{"message": "Not Found"}', "is JSON"),
        ("# net\nfrom caffe import layers", "a Python script"),
        (LAYER + "\nlayer {", "line 2"),
        ("layer { name: 3 }", "line 1, column 15"),
        ("layer { include { phase: LATE } }", "LATE"),
        ("layer { bottom: 'a' name: 'b' name: 'c' }", "name"),
        (b"\n\x07LeNet\0", "binary format.*cut off"),
        (b"\x89HDF\r\n\x1a\n", "HDF5.*prototxt first"),
        (LAYER.encode("utf-16"), "UTF-16"),
        (LAYER[:30] + "\x01" + LAYER[30:], "line 1, column"),
    ],
)
def test_bad_text(content, words, write):
    path = write(content)
    with pytest.raises(CaffeFormatError, match=words) as caught:
        read_prototxt(path)
    assert str(caught.value).startswith(str(path))
    assert "keras_hypersphere.caffe." not in caught.value.message


def test_the_one_network_of_a_solver(write):
    """As some exporters write it."""
    path = write(f"base_lr: 1 net_param {{ name: 'n' {LAYER} }}")
    net = read_prototxt(path)
    assert (net.name, net.layer[0].type) == ("n", "ReLU")


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (LAYER.encode(), "text without blobs.*prototxt first"),
        (b"\x89HDF\r\n\x1a\n", "damaged or cut off"),
        (b"\xff\x00\x01", "damaged or cut off"),
        (b"\x0a\x02ab", "describes no layers"),
        (b"PK\x03\x04\x14\x00", "is a zip archive.*give the network's"),
        (b"\x1f\x8b\x08", "compressed by gzip"),
        (b"\n<!DOCTYPE html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        # A layer whose name is not UTF-8.
        (b"\xa2\x06\x04\x0a\x02\xff\xfe", "damaged"),
    ],
)
def test_bad_models(content, words, write):
    path = write(content)
    with pytest.raises(CaffeFormatError, match=words) as caught:
        read_caffemodel(path)
    assert str(caught.value).startswith(str(path))


def test_missing_files_and_folders(tmp_path):
    for read in (read_prototxt, read_caffemodel):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none")
        with pytest.raises(IsADirectoryError):
            read(tmp_path)


def test_binary_in_place_of_text_and_text_in_place_of_binary(sample, tmp_path):
    text, binary = tmp_path / "a.caffemodel", tmp_path / "b.prototxt"
    model = read_caffemodel(sample[1])
    write_prototxt(model, text)
    write_caffemodel(model, binary)
    for again in (read_caffemodel(text), read_prototxt(binary)):
        assert [layer.name for layer in again.layer] == [
            layer.name for layer in model.layer
        ]
        for before, after in zip(model.layer, again.layer, strict=True):
            for one, other in zip(before.blobs, after.blobs, strict=True):
                np.testing.assert_array_equal(
                    blob_array(one), blob_array(other)
                )
    structure = tmp_path / "c.bin"
    write_caffemodel(read_prototxt(sample[0]), structure)
    assert read_prototxt(structure) == read_prototxt(sample[0])


def test_unknown_fields_of_a_binary_network_are_named(fixtures):
    model = fixtures / "unknown_fields" / "model.caffemodel"
    with pytest.warns(UserWarning, match="layer field [0-9]+.*skipped"):
        net = read_prototxt(model)
    assert [layer.name for layer in net.layer if layer.blobs] == ["conv", "ip"]


def test_hdf5_as_messages(fixtures):
    folder = fixtures / "model_hdf5"
    net = read_caffemodel(folder / "model.caffemodel.h5")
    layers = {layer.name: layer for layer in net.layer}
    assert set(layers) > {"bn", "conv", "ip", "pr", "sc", "relu"}
    assert not layers["relu"].blobs
    assert blob_array(layers["conv"].blobs[0]).shape == (4, 3, 3, 3)
    assert blob_array(layers["pr"].blobs[0]).shape == ()
