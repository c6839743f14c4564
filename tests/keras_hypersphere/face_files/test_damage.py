"""Damaged files of each format: read, or refused in one line with the file."""

import json
import random

import pytest

from keras_hypersphere.face_files.open_faces import open_faces
from tests.keras_hypersphere.face_files.formats import (
    example,
    field,
    insightface,
    read_all,
    tfrecord,
    write_records,
)

CASES = 60
PHOTOS = [bytes([65 + i]) * (20 + 9 * i) for i in range(5)]


def records(folder):
    payloads, keys = insightface([PHOTOS[:2], PHOTOS[2:]])
    write_records(folder / "train.rec", payloads, keys)


def bare_records(folder):
    records(folder)
    (folder / "train.idx").unlink()


def examples(folder):
    some = [
        example({"image": photo, "label": i % 2})
        for i, photo in enumerate(PHOTOS)
    ]
    (folder / "a.tfrecord").write_bytes(tfrecord(*some))


def pages(folder):
    lmdb = pytest.importorskip("lmdb")
    base = lmdb.open(str(folder), map_size=2**20, lock=False)
    with base, base.begin(write=True) as work:
        for index, photo in enumerate(PHOTOS):
            value = field(4, photo) + field(5, index % 2) + field(7, 1)
            work.put(b"%08d_a" % index, value)


def table():
    pyarrow = pytest.importorskip("pyarrow")
    images = [{"bytes": photo, "path": "a.jpg"} for photo in PHOTOS]
    return pyarrow, pyarrow.table({"image": images, "label": [0, 1, 0, 1, 0]})


def saved(folder):
    pyarrow, made = table()
    with pyarrow.ipc.new_stream(folder / "a.arrow", made.schema) as stream:
        stream.write_table(made)
    state = {"_data_files": [{"filename": "a.arrow"}]}
    (folder / "state.json").write_text(json.dumps(state))


def parquet(folder):
    _, made = table()
    pytest.importorskip("pyarrow.parquet").write_table(
        made, folder / "a.parquet"
    )


def damaged(data, draw):
    """Cut off, or other bytes at a few places."""
    data = bytearray(data)
    if draw.random() < 0.2:
        del data[draw.randrange(len(data)) :]
        return data
    for _ in range(draw.choice([1, 1, 2, 6])):
        place = draw.randrange(len(data))
        new = draw.choice([b"\xff" * 4, bytes(8), draw.randbytes(1)])
        data[place : place + len(new)] = new
    return data


@pytest.mark.parametrize(
    "make", [records, bare_records, examples, pages, saved, parquet]
)
def test_damaged_files(tmp_path, make):
    make(tmp_path)
    with open_faces(tmp_path) as source:
        assert read_all(source) == PHOTOS
        assert len(source.class_names) == 2
    files = sorted(tmp_path.iterdir())
    whole = {path: path.read_bytes() for path in files}
    draw = random.Random(0)
    outcomes = set()
    for _ in range(CASES):
        path = draw.choice(files)
        path.write_bytes(damaged(whole[path], draw))
        try:
            with open_faces(tmp_path) as source:
                photos = read_all(source)
                labels = source.labels
                assert len(photos) == len(labels) == len(source.names[:])
                assert labels.max() + 1 == len(source.class_names)
            outcomes.add("read")
        except (ValueError, FileNotFoundError) as error:
            assert str(tmp_path) in str(error)
            assert "\n" not in str(error) and len(str(error)) < 900
            outcomes.add("refused")
        path.write_bytes(whole[path])
    assert "refused" in outcomes
