"""Two files in the wrong order."""

import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    NetParameter,
    read_prototxt,
)
from keras_hypersphere.caffe_format.layer_blobs import Caffemodel
from keras_hypersphere.caffe_format.order import hint_of_order
from keras_hypersphere.caffe_format.source_file import SourceFile

LAYER = 'layer { name: "l" type: "ReLU" }'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LAYER.encode(), "prototxt first"),
        (b"# net\n" * 1000 + LAYER.encode(), "prototxt first"),
        (b"<html>not found</html>", "is a web page"),
    ],
)
def test_text_without_blobs(content, words, tmp_path):
    path = tmp_path / "m.caffemodel"
    path.write_bytes(content)
    with pytest.raises(CaffeFormatError, match=words) as caught:
        Caffemodel(path)
    assert caught.value.file == str(path)


@pytest.mark.parametrize(
    "text, hint",
    [
        (LAYER, None),
        (LAYER.replace(" }", " blobs { data: 1 } }"), "has blobs"),
        (None, "is binary"),
    ],
)
def test_the_hint(text, hint, tmp_path):
    path = tmp_path / "n"
    if text is None:
        net = NetParameter(name="net")
        net.layer.add(name="l", type="ReLU")
        path.write_bytes(net.SerializeToString())
    else:
        path.write_text(text)
    source = SourceFile(path)
    net = read_prototxt(source)
    error = CaffeFormatError("is odd", str(path), "l", "ReLU")
    words = str(hint_of_order(error, net, source))
    assert words.startswith(f"{path}: layer 'l' (ReLU): is odd")
    assert ("prototxt first" in words) == (hint is not None)
    assert hint is None or hint in words
    # What is wrong with another file says nothing of this one.
    other = hint_of_order(CaffeFormatError("is odd", "m"), net, source)
    assert str(other) == "m: is odd"
