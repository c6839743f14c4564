import os

import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    NetParameter,
    blob_array,
    read_caffemodel,
    read_prototxt,
    set_blob,
    write_caffemodel,
    write_prototxt,
)


def make_net():
    net = NetParameter(name="größe")
    layer = net.layer.add(name="ip", type="InnerProduct", bottom=["x"])
    layer.inner_product_param.num_output = 2
    layer.inner_product_param.weight_filler.std = 0.1
    layer.margin_inner_product_param.base = 1000
    return net


def test_text(tmp_path):
    net, path = make_net(), tmp_path / "net.prototxt"
    write_prototxt(net, path, comment="two\n\nlines")
    text = path.read_text()
    assert text.startswith('# two\n#\n# lines\nname: "größe"\n')
    assert "std: 0.1\n" in text
    assert read_prototxt(path) == net


def test_binary(tmp_path):
    net, path = make_net(), tmp_path / "net.caffemodel"
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    set_blob(net.layer[0].blobs.add(), kernel)
    write_caffemodel(net, path)
    # Packed, under the official number 5: tag, length, the values.
    assert bytes([0x2A, 24]) + kernel.tobytes() in path.read_bytes()
    again = read_caffemodel(path)
    np.testing.assert_array_equal(blob_array(again.layer[0].blobs[0]), kernel)


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    path = tmp_path / "net.prototxt"
    path.write_text("before")

    def fail(*paths):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_prototxt(make_net(), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_umask_decides(tmp_path):
    path = tmp_path / "net.prototxt"
    write_prototxt(make_net(), path)
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
