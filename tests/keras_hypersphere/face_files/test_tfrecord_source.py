import gzip
import struct

import numpy as np
import pytest

from keras_hypersphere.face_files import tfrecord_source
from keras_hypersphere.face_files.open_faces import open_faces
from keras_hypersphere.face_files.tfrecord_source import TfrecordSource
from tests.keras_hypersphere.face_files.formats import (
    example,
    field,
    golden,
    number,
    read_all,
    tfrecord,
)


def photo(index, label):
    return example({"image_raw": b"photo %d" % index, "label": label})


def write(path, *examples):
    path.write_bytes(tfrecord(*examples))
    return path


def test_a_file_of_tensorflow():
    with open_faces(golden("tfrecord/faces.tfrecord")) as source:
        assert read_all(source) == [b"\xff\xd8jpeg%d" % i for i in range(3)]
        numbers = [source.class_names[label] for label in source.labels]
        assert numbers == ["0", "7", "14"]
        assert source.names[:] == [f"faces.tfrecord:{i}" for i in range(3)]


def test_files_that_tensorflow_writes(tmp_path):
    """All kinds of lists, other features, long photos, negative numbers."""
    tensorflow = pytest.importorskip("tensorflow")
    train = tensorflow.train
    path = tmp_path / "a.tfrecord"
    draw = np.random.default_rng(0)
    photos = [draw.bytes(int(size)) for size in draw.integers(1, 20_000, 60)]
    labels = draw.integers(0, 2**40, 60).tolist()
    with tensorflow.io.TFRecordWriter(str(path)) as file:
        for image, label in zip(photos, labels, strict=True):
            feature = {
                "image/encoded": train.Feature(
                    bytes_list=train.BytesList(value=[image])
                ),
                "box": train.Feature(
                    float_list=train.FloatList(value=[0.5, 1])
                ),
                "ids": train.Feature(int64_list=train.Int64List(value=[-1, 5])),
                "image/class/label": train.Feature(
                    int64_list=train.Int64List(value=[label])
                ),
                "none": train.Feature(),
            }
            message = train.Example(features=train.Features(feature=feature))
            file.write(message.SerializeToString())
    source = open_faces(path)
    assert read_all(source) == photos
    numbers = [int(source.class_names[label]) for label in source.labels]
    assert numbers == labels


def test_shards_in_the_order_of_their_names(tmp_path, monkeypatch):
    # More files than may stay open are opened for each read.
    monkeypatch.setattr(tfrecord_source, "KEPT_OPEN", 2)
    expected = []
    for shard in range(3):
        some = [photo(10 * shard + i, shard) for i in range(shard + 1)]
        write(tmp_path / f"train.tfrecord-0000{shard}-of-00003", *some)
        expected += [b"photo %d" % (10 * shard + i) for i in range(shard + 1)]
    for path in (tmp_path, tmp_path / "train.tfrecord-*"):
        with open_faces(path) as source:
            assert read_all(source) == expected
            assert source.labels.tolist() == [0, 1, 1, 2, 2, 2]
            assert source.names[3] == "train.tfrecord-00002-of-00003:0"
    write(tmp_path / "test.tfrecord-00000-of-00001", photo(0, 0))
    with pytest.raises(ValueError, match=r"several data sets: test, train"):
        open_faces(tmp_path)
    with pytest.raises(FileNotFoundError, match="no data set"):
        open_faces(tmp_path / "valid-*")


def test_labels_of_every_form(tmp_path):
    unpacked = field(3, number(8) + number(5))
    entries = field(1, field(1, b"image") + field(2, field(1, field(1, b"x"))))
    entries += field(1, field(1, b"label") + field(2, unpacked))
    source = TfrecordSource(
        write(
            tmp_path / "a",
            example({"label": 7, "image": b"x"}),
            example({"image": b"x", "label": 3.0}),
            field(1, entries),
            # The later one of two counts, as in protobuf.
            example({"label": 1, "image": b"y"})
            + example({"image": b"x", "label": 9}),
        )
    )
    numbers = [source.class_names[label] for label in source.labels]
    assert numbers[:3] == ["7", "3", "5"]
    assert set(read_all(source)) == {b"x"}
    source = TfrecordSource(
        write(
            tmp_path / "b",
            *(
                example({"label": name.encode(), "image": b"x"})
                for name in ("Zoë", "Ann", "Zoë")
            ),
        )
    )
    assert source.labels.tolist() == [1, 0, 1]
    assert source.class_names == ["Ann", "Zoë"]


@pytest.mark.parametrize(
    "second, match",
    [
        (photo(1, -1), "has the label -1"),
        (photo(1, 0.5), "has the label 0.5"),
        (photo(1, float("nan")), "has the label nan"),
        (example({"image_raw": b"x"}), "has the label nan"),
        (example({"image_raw": b"x", "label": b"Bob"}), "has the label nan"),
        (b"\x0a\x05\x0a\x10", "at byte .*a field"),
        (b"\xff" * 12, "a number without an end"),
    ],
)
def test_a_wrong_label(tmp_path, second, match):
    path = write(tmp_path / "a", photo(0, 0), second)
    with pytest.raises(ValueError, match=match) as error:
        _ = TfrecordSource(path).labels
    assert f"'{path}'" in str(error.value) and "byte" in str(error.value)


def test_what_is_missing(tmp_path):
    path = write(tmp_path / "a", photo(0, 0), example({"label": 1}))
    source = TfrecordSource(path)
    with pytest.raises(ValueError, match="no bytes in its feature 'image_raw'"):
        source.read(1)
    path = write(tmp_path / "b", example({"label": 1, "pic\nture": b"x"}))
    with pytest.raises(ValueError, match=r"image\. .*: label, pic\?ture\."):
        TfrecordSource(path)
    path = write(tmp_path / "c", example({"image": b"x"}))
    with pytest.raises(ValueError, match="no feature of a label"):
        TfrecordSource(path)
    packed = tmp_path / "d.tfrecord"
    packed.write_bytes(gzip.compress(tfrecord(photo(0, 0))))
    with pytest.raises(ValueError, match="gunzip"):
        TfrecordSource(packed)


def test_cut_off_anywhere(tmp_path):
    path = write(tmp_path / "a.tfrecord", photo(0, 0), photo(1, 1))
    data = path.read_bytes()
    for end in range(1, len(data)):
        path.write_bytes(data[:end])
        if end == len(data) // 2:
            assert len(open_faces(path)) == 1
            continue
        begin = 0 if end < len(data) // 2 else len(data) // 2
        with pytest.raises(ValueError, match=f"damaged at byte {begin}:"):
            open_faces(path)


def test_every_bit_is_checked(tmp_path):
    path = write(tmp_path / "a.tfrecord", photo(0, 0), photo(1, 1))
    data = path.read_bytes()
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="damaged at byte") as error:
            read_all(open_faces(path))
        assert str(path) in str(error.value)


def test_a_length_is_not_believed(tmp_path):
    path = write(tmp_path / "a.tfrecord", photo(0, 0))
    data = path.read_bytes()
    path.write_bytes(data + struct.pack("<Q", 2**62) + bytes(20))
    with pytest.raises(ValueError, match=f"damaged at byte {len(data)}: no"):
        open_faces(path)
