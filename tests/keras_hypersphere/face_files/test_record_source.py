import hashlib
import json
import struct

import numpy as np
import pytest

from keras_hypersphere.face_files.open_faces import open_faces
from keras_hypersphere.face_files.record_io import read_index
from keras_hypersphere.face_files.record_source import RecordSource
from tests.keras_hypersphere.face_files.formats import (
    MAGIC,
    golden,
    header,
    insightface,
    read_all,
    write_records,
)

PEOPLE = [[b"Ann 1", b"Ann 2" + MAGIC], [b"Bob"], [MAGIC * 3, b"Cid 22", b"C"]]
# Where the magic number may stand, at a multiple of 4 and not.
PAYLOADS = [
    *(b"", b"a", b"abc", b"abcd", MAGIC, MAGIC * 2, b"x" + MAGIC),
    *(b"abcd" + MAGIC, b"abcd" + MAGIC + b"efgh", MAGIC + b"q"),
    *(b"abcd" + MAGIC * 2 + b"zz" + MAGIC, bytes(range(256)) * 9),
]


def test_files_of_insightface():
    with open_faces(golden("ident/train.rec")) as source:
        expected = json.loads(golden("ident/expected.json").read_text())
        keys, labels, digests = zip(*expected["images"], strict=True)
        assert source.names[:] == [str(key) for key in keys]
        assert source.labels.tolist() == list(labels)
        found = [hashlib.sha256(x).hexdigest() for x in read_all(source)]
        assert found == list(digests)
        assert source.class_names == ["0", "1", "2"]


def test_files_of_mxnet():
    with open_faces(golden("seq/train.rec")) as source:
        expected = json.loads(golden("seq/expected.json").read_text())
        found = read_all(source)
        assert [photo.hex() for photo in found[:12]] == expected
        assert found[12] == b"multi"
        with pytest.raises(ValueError, match=r"key 12 at byte 1752 .* 1\.5"):
            _ = source.labels


@pytest.mark.parametrize("index", [True, False])
def test_records_that_hold_the_magic_number(tmp_path, index):
    path = tmp_path / "a.rec"
    payloads = [header(i, i) + photo for i, photo in enumerate(PAYLOADS)]
    # It stands within the header, too: as its id, and as a label.
    payloads += [
        header(12, struct.unpack("<I", MAGIC)[0]) + b"photo",
        header(0, 13, (13.0, *struct.unpack("<f", MAGIC))) + b"more",
    ]
    write_records(path, payloads, index=index)
    assert path.read_bytes().count(MAGIC) > 2 * len(payloads) - 12
    with RecordSource(path) as source:
        photos = [*PAYLOADS, b"photo", b"more"]
        if not index:
            # In the order of the ids.
            photos = [*PAYLOADS, b"more", b"photo"]
        assert read_all(source) == photos
        labels = range(14) if index else [*range(12), 13, 12]
        assert source.labels.tolist() == list(labels)


@pytest.mark.parametrize("index", [True, False])
def test_layout_of_identities(tmp_path, index):
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    write_records(path, payloads, keys, index)
    with RecordSource(path) as source:
        assert read_all(source) == [photo for some in PEOPLE for photo in some]
        assert source.labels.tolist() == [0, 0, 1, 2, 2, 2]
        assert source.names[:] == list("123456")
        assert "InsightFace" in str(source)


def test_lines_of_the_index_in_any_order(tmp_path):
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    write_records(path, payloads, keys)
    lines = path.with_suffix(".idx").read_text().splitlines()
    path.with_suffix(".idx").write_text("\r\n".join(lines[::-1]))
    with RecordSource(path) as source:
        assert read_all(source) == [photo for some in PEOPLE for photo in some]


def test_headers_are_right_where_identities_are_not(tmp_path):
    """InsightFace trains on the labels of the photos."""
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    payloads[1] = header(1, 2) + PEOPLE[0][1]
    write_records(path, payloads, keys)
    assert RecordSource(path).labels.tolist() == [0, 1, 1, 2, 2, 2]


def test_a_first_record_with_several_labels_is_a_photo(tmp_path):
    path = tmp_path / "train.rec"
    payloads = [header(0, i, (i, 7.0)) + b"photo %d" % i for i in range(3)]
    write_records(path, payloads)
    with RecordSource(path) as source:
        assert read_all(source) == [b"photo 0", b"photo 1", b"photo 2"]
        assert source.labels.tolist() == [0, 1, 2]


def test_numbers_with_gaps(tmp_path):
    path = tmp_path / "train.rec"
    write_records(path, [header(label) + b"x" for label in (9, 4, 9, 200)])
    with RecordSource(path) as source:
        assert source.labels.tolist() == [1, 0, 1, 2]
        assert source.class_names == ["4", "9", "200"]


def test_counts_that_float32_has_rounded(tmp_path, monkeypatch):
    """More than 16,777,216 photos: the number that counts them is rounded."""
    from keras_hypersphere.face_files import record_source

    monkeypatch.setattr(record_source, "EXACT", 6)
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    payloads[-1] = header(0, 0, (8, 12), id2=1)
    write_records(path, payloads, keys)
    with RecordSource(path) as source:
        assert read_all(source) == [photo for some in PEOPLE for photo in some]
        assert source.labels.tolist() == [0, 0, 1, 2, 2, 2]


@pytest.mark.parametrize("label", [-1.0, 0.5, np.nan, np.inf, 2.0**24])
def test_labels_that_are_none(tmp_path, label):
    path = tmp_path / "train.rec"
    places = write_records(path, [header(0) + b"x", header(label) + b"y"])
    source = RecordSource(path)
    assert source.read(1) == b"y"
    with pytest.raises(ValueError, match=f"key 1 at byte {places[1]}") as error:
        _ = source.labels
    assert "expected a whole number" in str(error.value)


def test_cut_off_anywhere(tmp_path):
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    places = write_records(path, payloads, keys)
    data = path.read_bytes()
    for end in range(1, len(data)):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="damaged at byte") as error:
            RecordSource(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)
        # Without the index too; but where a record ends, no one can tell.
        index = path.with_suffix(".idx")
        lines = index.read_text()
        index.unlink()
        if end not in places:
            with pytest.raises(ValueError, match="damaged at byte"):
                RecordSource(path)
        index.write_text(lines)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="is empty"):
        RecordSource(path)


def test_damage_is_at_its_byte(tmp_path):
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    places = write_records(path, payloads, keys)
    data = bytearray(path.read_bytes())
    data[places[2]] ^= 1
    path.write_bytes(data)
    source = RecordSource(path)
    with pytest.raises(
        ValueError, match=f"damaged at byte {places[2]}: no rec"
    ):
        source.read(2)
    # A length of half a gigabyte is not believed.
    data[places[2] : places[2] + 8] = MAGIC + struct.pack("<I", 2**29 - 1)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"{places[2]}: a record of 536870911"):
        RecordSource(path).read(2)
    # A middle part without a first one.
    data[places[2] + 4 : places[2] + 8] = struct.pack("<I", 2 << 29 | 27)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="a part 2 of a record"):
        RecordSource(path).read(2)


@pytest.mark.parametrize(
    "labels, match",
    [
        ((12, 13), "counts 11 photos, the index has 9"),
        ((7, 12), "counts 5 identities, the index has 3"),
        ((10, 7), "counts from 10 to 7"),
        ((6.5, 10), "counts from 6.5"),
        ((np.nan, 10), "counts from nan"),
    ],
)
def test_wrong_counts(tmp_path, labels, match):
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    payloads[-1] = header(0, 0, labels, id2=1)
    places = write_records(path, payloads, keys)
    with pytest.raises(ValueError, match=f"byte {places[-1]}: .*{match}"):
        RecordSource(path)


def test_identities_are_no_photos(tmp_path):
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    payloads[-1] = header(0, 0, (9, 10), id2=1)
    places = write_records(path, payloads, keys)
    with pytest.raises(ValueError, match=f"byte {places[7]}: .* has no photo"):
        RecordSource(path)


@pytest.mark.parametrize("pair", [(0, 3), (3, 1), (1, 99), (1.5, 3), (1,)])
def test_wrong_identities(tmp_path, pair):
    path = tmp_path / "train.rec"
    payloads, keys = insightface(PEOPLE)
    payloads[6] = header(0, 7, pair)
    places = write_records(path, payloads, keys)
    with pytest.raises(ValueError, match=f"byte {places[6]}: the record of"):
        RecordSource(path)


@pytest.mark.parametrize(
    "lines, match",
    [
        ("0\t0\n0\t32\n", "key 0 twice"),
        ("0\t0\n1", "byte 4: expected lines"),
        ("0\t0\n1\t\n", "byte 4: expected lines"),
        ("0\t0\n1\t2\t3\n", "byte 8: expected lines"),
        ("0\t0\n1.5\t3\n", "byte 5: expected lines"),
        ("0\t-8\n", "byte 2: expected lines"),
        ("0\t1" + "0" * 30, "byte 2: expected lines"),
        ("a\tb\n", "byte 0: expected lines"),
        ("0" * 5000, "expected lines"),
        ("0\t0\n1\t999\n", "at byte 999, and the file ends"),
    ],
)
def test_wrong_lines_of_the_index(tmp_path, lines, match):
    path = tmp_path / "train.rec"
    write_records(path, [header(0) + b"x", header(1) + b"y"])
    path.with_suffix(".idx").write_text(lines)
    with pytest.raises(ValueError, match=match):
        RecordSource(path)


def test_a_long_index_in_pieces(tmp_path):
    """Pieces of 4 MiB end within lines."""
    path = tmp_path / "a.idx"
    draw = np.random.default_rng(0)
    expected = np.stack(
        [draw.permutation(260_000), draw.integers(0, 2**40, 260_000)], axis=1
    )
    np.savetxt(path, expected, "%d", "\t")
    assert path.stat().st_size > 2**22
    keys, places = read_index(path)
    expected = expected[np.argsort(expected[:, 0])]
    np.testing.assert_array_equal(keys, expected[:, 0])
    np.testing.assert_array_equal(places, expected[:, 1])
