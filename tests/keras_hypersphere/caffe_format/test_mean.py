from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    BlobProto,
    CaffeFormatError,
    read_mean,
)

SHARED = Path(__file__).parents[4] / "shared" / "conversion"


@pytest.mark.parametrize("name", ["mean", "mean_shape_double"])
def test_recorded_files(name):
    folder = SHARED / "mean_binaryproto"
    if not folder.is_dir():
        pytest.skip("no ../shared/conversion")
    mean = read_mean(folder / f"{name}.binaryproto")
    expected = np.load(folder / "mean.npy").transpose(1, 2, 0)
    np.testing.assert_array_equal(mean, expected)
    assert mean.dtype == np.float32 and mean.flags.c_contiguous


def test_binary_and_text(write):
    blob = BlobProto(
        num=1, channels=2, height=1, width=3, data=[0, 1, 2, 10, 11, 12]
    )
    expected = [[[0, 10], [1, 11], [2, 12]]]
    binary = write(blob.SerializeToString())
    np.testing.assert_array_equal(read_mean(binary), expected)
    text = write(str(blob), "text")
    np.testing.assert_array_equal(read_mean(text), expected)


def blob(shape, count):
    message = BlobProto(data=[0] * count)
    message.shape.dim.extend(shape)
    return message.SerializeToString()


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is empty"),
        (b"\xff\xff\x00", "no mean file"),
        (blob((2, 3, 1, 1), 6), "one image was expected"),
        (blob((6,), 6), "one image was expected"),
        (blob((1, 1, 2, 4), 6), "holds 6 values"),
        (blob((3, 2**40, 2**40), 6), "holds 6 values"),
        (b"name: 'net'", "no field named"),
    ],
)
def test_refusals(content, words, write):
    path = write(content)
    with pytest.raises(CaffeFormatError, match=words) as caught:
        read_mean(path)
    assert str(path) in str(caught.value)


def test_a_caffemodel_is_no_mean(sample):
    with pytest.raises(CaffeFormatError):
        read_mean(sample[1])
