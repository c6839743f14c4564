import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    read_caffemodel,
    read_prototxt,
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
        (LAYER + "\nlayer { nam: 1 }", 'line 2, column 9.*"nam".*spelling'),
        (LAYER + "\nlayer {", "line 2"),
        ("layer { name: 3 }", "line 1, column 15"),
        ("layer { include { phase: LATE } }", "LATE"),
        ("layer { bottom: 'a' name: 'b' name: 'c' }", "name"),
        (b"\n\x07LeNet\0", "binary file.*prototxt first"),
    ],
)
def test_bad_text(content, words, write):
    path = write(content)
    with pytest.raises(CaffeFormatError, match=words) as caught:
        read_prototxt(path)
    assert str(caught.value).startswith(str(path))
    assert "keras_hypersphere.caffe." not in caught.value.message


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (LAYER.encode(), "is text.*prototxt first"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\xff\x00\x01", "damaged or cut off"),
        (b"\x0a\x02ab", "describes no layers"),
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
