import struct

import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    NetParameter,
    blob_array,
    read_blobs,
    read_caffemodel,
    set_blob,
    write_caffemodel,
    write_prototxt,
)


@pytest.mark.parametrize(
    "name",
    [
        "legacy_v0",
        "model_double_data",
        "model_superset_shuffled",
        "odd_names",
        "unknown_fields",
        "v2_prototxt_v1_model",
    ],
)
def test_as_the_messages_have_them(name, fixtures):
    path = fixtures / name / "model.caffemodel"
    layers = {
        layer.name: list(layer.blobs) for layer in read_caffemodel(path).layer
    }
    found = read_blobs(path)
    # Padding layers of 2013 became settings.
    assert found.keys() - {"pad1"} == layers.keys()
    for layer, blobs in layers.items():
        for expected, blob in zip(blobs, found[layer], strict=True):
            array = blob.array()
            np.testing.assert_array_equal(array, blob_array(expected))
            assert array.dtype == blob_array(expected).dtype


def model(path, *fields):
    """A binary model of one blob, made of raw fields."""
    blob = b"".join(fields)
    layer = b"\x0a\x01a\x3a" + bytes([len(blob)]) + blob
    path.write_bytes(b"\xa2\x06" + bytes([len(layer)]) + layer)
    return path


def test_packed_unpacked_and_in_pieces(tmp_path):
    path = tmp_path / "m.caffemodel"
    shape = bytes([0x3A, 3, 0x0A, 1, 3])
    one, two = struct.pack("<f", 1), struct.pack("<ff", 2, 3)
    for fields in (
        (b"\x2a\x0c", one, two),
        (b"\x2a\x04", one, b"\x2a\x08", two),
        (b"\x2d", one, b"\x2a\x08", two),
        (b"\x2d", one, b"\x2d", two[:4], b"\x2d", two[4:]),
    ):
        blob = read_blobs(model(path, shape, *fields))["a"][0]
        np.testing.assert_array_equal(blob.array(), [1, 2, 3])


def test_doubles_come_first_as_in_caffe(tmp_path):
    path = tmp_path / "m.caffemodel"
    blob = read_blobs(
        model(
            path,
            b"\x2a\x04" + struct.pack("<f", 1),
            b"\x42\x08" + struct.pack("<d", 1 / 3),
        )
    )["a"][0]
    assert blob.array() == 1 / 3 and blob.shape == ()


def test_legacy_shapes_and_none(tmp_path):
    path = tmp_path / "m.caffemodel"
    four = b"\x08\x01\x10\x01\x18\x01\x20\x02"
    blob = read_blobs(model(path, four, b"\x2a\x08" + bytes(8)))["a"][0]
    assert blob.legacy and blob.array().shape == (1, 1, 1, 2)
    empty = read_blobs(model(path, b""))["a"][0]
    with pytest.raises(CaffeFormatError, match="holds 0 values"):
        empty.array()


def test_half_a_number(tmp_path):
    with pytest.raises(CaffeFormatError, match="half a number"):
        read_blobs(model(tmp_path / "m", b"\x2a\x03abc"))


def test_a_file_that_shrinks(tmp_path):
    path = model(tmp_path / "m", b"\x2a\x08" + bytes(8))
    blob = read_blobs(path)["a"][0]
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CaffeFormatError, match="cut off"):
        blob.array()


def test_text_and_repeated_names(tmp_path):
    net = NetParameter()
    for value in (1, 2):
        set_blob(net.layer.add(name="a").blobs.add(), np.full(2, value))
    write_prototxt(net, tmp_path / "text")
    write_caffemodel(net, tmp_path / "binary")
    for name in ("text", "binary"):
        # Caffe copies both layers; the second one stays.
        blob = read_blobs(tmp_path / name)["a"][0]
        np.testing.assert_array_equal(blob.array(), [2, 2])


def test_text_without_blobs(sample):
    with pytest.raises(CaffeFormatError, match="prototxt first"):
        read_blobs(sample[0])


def raw(dtype, number, *values):
    """`raw_data_type` and `raw_data`, as NVCaffe and OpenCV write them."""
    content = np.array(values, dtype).tobytes()
    return b"\x50" + bytes([number]), b"\x62" + bytes([len(content)]) + content


TWO = b"\x3a\x02\x08\x02"  # shape { dim: 2 }


@pytest.mark.parametrize(
    ("dtype", "number", "made"),
    [("<f8", 0, "f8"), ("<f4", 1, "f4"), ("<f2", 2, "f4")],
)
def test_raw_data(dtype, number, made, tmp_path):
    kind, content = raw(dtype, number, 1 / 3, -2)
    for fields in ((TWO, kind, content), (content, kind, TWO)):
        path = model(tmp_path / "m", *fields)
        (blob,) = read_blobs(path)["a"]
        array = blob.array()
        np.testing.assert_array_equal(array, np.array([1 / 3, -2], dtype))
        assert array.dtype == made
        (message,) = read_caffemodel(path).layer[0].blobs
        np.testing.assert_array_equal(blob_array(message), array)
        assert blob_array(message).dtype == made
        # As text, whose strings have escapes.
        write_prototxt(read_caffemodel(path), tmp_path / "text")
        (blob,) = read_blobs(tmp_path / "text")["a"]
        np.testing.assert_array_equal(blob.array(), array)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (raw("<f4", 1, 1, 2)[1:], "no known `raw_data_type`; it may be DOUBLE"),
        (raw("<f4", 9, 1, 2), "no known `raw_data_type`"),
        (raw("<i4", 3, 1, 2), "`raw_data_type: INT`, which is not supported"),
        (raw("<f2", 1, 1, 2, 3), "6 bytes .* of 4 bytes each"),
        ((*raw("<f4", 1, 1, 2), b"\x2a\x08" + bytes(8)), "and `data`"),
        (raw("<f4", 1, 1, 2, 3), r"shape \(2,\) holds 3 values"),
    ],
)
def test_damaged_raw_data(fields, words, tmp_path):
    path = model(tmp_path / "m", TWO, *fields)
    with pytest.raises(CaffeFormatError, match=words):
        read_blobs(path)["a"][0].array()
    with pytest.raises(CaffeFormatError, match=words):
        blob_array(read_caffemodel(path).layer[0].blobs[0])
