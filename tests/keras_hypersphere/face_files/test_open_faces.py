import multiprocessing
import os
import pickle

import pytest

from keras_hypersphere.face_files.open_faces import open_faces
from tests.keras_hypersphere.face_files.formats import (
    example,
    header,
    insightface,
    read_all,
    tfrecord,
    write_records,
)


def make(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def test_a_folder_of_people(tmp_path):
    root = make(
        tmp_path / "people",
        *("Ann/1.jpg", "Ann/2.PNG", "10/a.webp", "2/a.tif", "team/Bob/1.jpg"),
        *("Ann/.hidden.jpg", "Ann/@eaDir/1.jpg", "Gus/1.heic", "notes.txt"),
    )
    make(tmp_path / "elsewhere", "1.bmp")
    (root / "Dora").symlink_to("../elsewhere")
    source = open_faces(str(root))
    assert source.class_names == ["10", "2", "Ann", "Dora", "team/Bob"]
    assert source.labels.tolist() == [0, 1, 2, 2, 3, 4]
    assert source.names[:] == [
        *("10/a.webp", "2/a.tif", "Ann/1.jpg", "Ann/2.PNG", "Dora/1.bmp"),
        "team/Bob/1.jpg",
    ]
    names = [os.fsencode(name) for name in source.names]
    assert read_all(source) == [*names[:4], b"1.bmp", names[5]]
    assert list(source.left_out) == [str(root / "Gus/1.heic")]
    assert str(source) == (
        f"6 photos of 5 people in '{root}' (folder of people)"
    )
    (root / "2/a.tif").unlink()
    with pytest.raises(FileNotFoundError, match=r"2/a\.tif"):
        source.read(1)


def test_names_that_are_no_utf8(tmp_path):
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.mkdir(folder)
    with open(folder + b"/\xe4.jpg", "wb") as file:
        file.write(b"a photo")
    source = open_faces(tmp_path)
    assert read_all(source) == [b"a photo"]
    assert pickle.loads(pickle.dumps(source)).read(0) == b"a photo"


def records(tmp_path):
    payloads, keys = insightface([[b"Ann 1", b"Ann 2"], [b"Bob"]])
    write_records(tmp_path / "train.rec", payloads, keys)
    return tmp_path / "train.rec"


def test_the_words_of_every_source(tmp_path):
    with open_faces(records(tmp_path)) as source:
        assert len(source) == len(source.names) == 3
        assert list(source.names) == ["1", "2", "3"]
        assert source.names[-1] == "3" and source.names[:2] == ["1", "2"]
        with pytest.raises(IndexError):
            source.names[3]
        for index in (-1, 3):
            with pytest.raises(IndexError, match=f"Received: index={index}"):
                source.read(index)
        assert source.read(source.labels[0]) == b"Ann 1"
        with pytest.raises(TypeError):
            source.read(0.5)
        with pytest.raises(ValueError, match="read-only"):
            source.labels[0] = 3
    with pytest.raises(ValueError, match="is closed"):
        source.read(0)


def test_other_processes_open_it_themselves(tmp_path):
    source = open_faces(records(tmp_path))
    expected = read_all(source)
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(source.read, [0, 1, 2] * 5) == expected * 5
    copy = pickle.dumps(source)
    with (tmp_path / "train.rec").open("ab") as file:
        file.write(bytes(4))
    with pytest.raises(ValueError, match="has changed since"):
        pickle.loads(copy)


def test_no_keras_is_needed(tmp_path):
    """A worker process starts in a moment."""
    import subprocess
    import sys

    code = (
        "import sys, pickle; source = pickle.load(open(sys.argv[1], 'rb')); "
        "assert source.read(2) == b'Bob' and 'keras' not in sys.modules"
    )
    path = tmp_path / "source.pickle"
    path.write_bytes(pickle.dumps(open_faces(records(tmp_path))))
    subprocess.run([sys.executable, "-c", code, path], check=True)


def test_contents_say_what_a_file_is(tmp_path):
    records(tmp_path).rename(tmp_path / "faces")
    assert read_all(open_faces(tmp_path / "faces"))[0] == b"Ann 1"
    data = tfrecord(example({"image": b"x", "label": 1}))
    (tmp_path / "train.rec").write_bytes(data)
    assert open_faces(tmp_path / "train.rec").kind == "TFRecord"


def test_folders_that_hold_one_file(tmp_path):
    records(make(tmp_path, "lfw.bin", "property"))
    write_records(tmp_path / "val.rec", [header(0) + b"x"])
    assert read_all(open_faces(tmp_path)) == [b"Ann 1", b"Ann 2", b"Bob"]
    (tmp_path / "train.rec").rename(tmp_path / "a.rec")
    with pytest.raises(ValueError, match=r"several \.rec files. Name one"):
        open_faces(tmp_path)


@pytest.mark.parametrize(
    "name, data, match",
    [
        ("a.txt", b"text", "in no format that is known"),
        ("a.jpg", b"\xff\xd8\xff", "in no format that is known"),
        ("a.bin", b"\x80\x04]", "read_verification_bin"),
        ("a.gz", b"\x1f\x8b\x08", "gunzip"),
        ("a.rec", b"text", r"damaged at byte 0: a \.rec file begins"),
        ("a.tfrecord", bytes(64), r"damaged at byte 0: a \.tfrecord file"),
        ("a.rec", b"", "is empty"),
    ],
)
def test_other_files(tmp_path, name, data, match):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=match) as error:
        open_faces(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_what_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no data set .*Expected"):
        open_faces(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        open_faces("")
    with pytest.raises(ValueError, match="has no pictures"):
        open_faces(tmp_path)
    records(tmp_path)
    with pytest.raises(ValueError, match=r"Name '.*train\.rec'"):
        open_faces(tmp_path / "train.idx")
    make(tmp_path, "a1.txt", "a2.txt")
    with pytest.raises(ValueError, match="is 2 files, and"):
        open_faces(tmp_path / "a*.txt")
