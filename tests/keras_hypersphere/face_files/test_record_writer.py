import signal
import subprocess
import sys

import pytest

from keras_hypersphere.face_files.open_faces import open_faces
from keras_hypersphere.face_files.record_writer import (
    RecordWriter,
    write_faces_rec,
)
from tests.keras_hypersphere.face_files.formats import (
    MAGIC,
    header,
    insightface,
    read_all,
    write_records,
)

PEOPLE = {
    "Ann": [b"Ann 1", b"Ann 2" + MAGIC * 2],
    "Bob": [b"abc" + MAGIC],
    "Cid": [MAGIC, b"Cid 2", b"C" * 999],
}


def folder_of(tmp_path, people=PEOPLE):
    for person, photos in people.items():
        (tmp_path / "people" / person).mkdir(parents=True)
        for number, photo in enumerate(photos):
            path = tmp_path / "people" / person / f"{number}.jpg"
            path.write_bytes(photo)
    return open_faces(tmp_path / "people")


def test_the_files_of_insightface(tmp_path):
    """Byte by byte what a slow statement of the format gives."""
    path = tmp_path / "train.rec"
    write_faces_rec(path, folder_of(tmp_path))
    payloads, keys = insightface(list(PEOPLE.values()))
    write_records(tmp_path / "other.rec", payloads, keys)
    assert path.read_bytes() == (tmp_path / "other.rec").read_bytes()
    written = path.with_suffix(".idx").read_text()
    assert written == (tmp_path / "other.idx").read_text()
    assert (tmp_path / "property").read_text() == "3,112,112\n"
    with open_faces(path) as source:
        assert read_all(source) == [x for some in PEOPLE.values() for x in some]
        assert source.class_names == list(PEOPLE)
        assert source.labels.tolist() == [0, 0, 1, 2, 2, 2]
    assert not list(tmp_path.glob("*.part"))


def test_photos_of_a_class_come_together(tmp_path):
    photos = [(7, b"a"), (3, b"b"), (7, b"c"), (9, b"d"), (3, b"e")]
    payloads = [header(label) + photo for label, photo in photos]
    write_records(tmp_path / "a.rec", payloads)
    write_faces_rec(tmp_path / "b.rec", open_faces(tmp_path / "a.rec"))
    source = open_faces(tmp_path / "b.rec")
    assert read_all(source) == [b"b", b"e", b"a", b"c", b"d"]
    assert source.labels.tolist() == [0, 0, 1, 1, 2]
    assert source.class_names == ["3", "7", "9"]


def test_every_break_is_gone_on_with(tmp_path):
    """Cut at each byte, the rest is written: the same file."""
    source = folder_of(tmp_path)
    path, part = tmp_path / "a.rec", tmp_path / "a.rec.part"
    write_faces_rec(path, source)
    whole = path.read_bytes()
    for end in range(0, len(whole) + 1, 29):
        path.unlink(missing_ok=True)
        part.write_bytes(whole[:end])
        write_faces_rec(path, source)
        assert path.read_bytes() == whole
    # What a system that lost power may leave behind.
    part.write_bytes(whole[:50] + bytes(300))
    write_faces_rec(path, source)
    assert path.read_bytes() == whole


def test_killed_while_it_writes(tmp_path):
    code = """
import os, signal, sys
from keras_hypersphere.face_files import record_writer
from keras_hypersphere.face_files.record_writer import RecordWriter
with RecordWriter(sys.argv[1]) as writer:
    begin = len(writer)
    for index in range(begin, 2000):
        writer.append(index // 10, b"%d" % index * 50)
        if index - begin == 700:
            os.kill(os.getpid(), signal.SIGKILL)
    writer.finish([str(label) for label in range(200)])
"""
    path = tmp_path / "a.rec"
    counts = []
    for _ in range(9):
        done = subprocess.run([sys.executable, "-c", code, path])
        if not done.returncode:
            break
        assert done.returncode == -signal.SIGKILL
        with RecordWriter(path) as writer:
            counts.append(len(writer))
    assert counts == sorted(set(counts)) and 2 <= len(counts) < 9
    with open_faces(path) as source:
        assert read_all(source) == [b"%d" % i * 50 for i in range(2000)]
        assert source.labels.tolist() == [i // 10 for i in range(2000)]


def test_a_part_of_another_data_set(tmp_path):
    source = folder_of(tmp_path)
    path = tmp_path / "a.rec"
    for label, photo in ((1, b"Ann 1"), (0, b"another")):
        with RecordWriter(path, resume=False) as writer:
            writer.append(label, photo)
        with pytest.raises(ValueError, match="is of another data set"):
            write_faces_rec(path, source)
    write_faces_rec(path, source, resume=False)
    assert len(open_faces(path)) == 6


def test_what_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"must end with \.rec"):
        RecordWriter(tmp_path / "a.tfrecord")
    with pytest.raises(FileNotFoundError, match="Make it first"):
        RecordWriter(tmp_path / "no" / "a.rec")
    with RecordWriter(tmp_path / "a.rec") as writer:
        with pytest.raises(ValueError, match="at least one photo"):
            writer.finish([])
        writer.append(0, b"x")
        writer.append(1, b"x")
        with pytest.raises(ValueError, match="class 0 must come together"):
            writer.append(0, b"x")
        with pytest.raises(ValueError, match="1 names for 2 photos"):
            writer.finish(["Ann"])
        for label in (-1, 2**24):
            with pytest.raises(ValueError, match="counts up to 16777216"):
                writer.append(label, b"x")
        with pytest.raises(ValueError, match="must have 1 to"):
            writer.append(1, b"")
    assert not (tmp_path / "a.rec").exists()


def test_a_list_of_names_that_is_of_another_file(tmp_path):
    path = tmp_path / "a.rec"
    write_faces_rec(path, folder_of(tmp_path))
    (tmp_path / "a.classes.json").write_text('["Ann"]')
    with pytest.raises(ValueError, match="names 1 classes"):
        _ = open_faces(path).labels
