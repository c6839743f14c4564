import os
import pickle

import pytest

from keras_hypersphere.tools.bulk.photo_source import Listed, open_source

pytest.importorskip("pyarrow")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    for name, data in {
        "b.jpg": b"1",
        "a/z.PNG": b"22",
        "a/x": b"\xff\xd8\xff and more",
        "a/y": b"no picture",
        "c.heic": b"4444",
        "notes.txt": b"",
        ".hidden/a.jpg": b"",
        ".a.jpg": b"",
        "@eaDir/a.jpg": b"",
        "SYNOFILE_THUMB_M.jpg": b"",
        "crops/a.jpg": b"1",
        "crops/crops.jsonl": b"",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        os.utime(folder / name, ns=(0, 1_234_567_890_123_456_789))
    return folder


@pytest.mark.parametrize("crops", [False, True])
def test_a_uri_has_the_photos_of_the_folder(folder, crops):
    local = open_source(str(folder))
    remote = open_source(f"{folder.as_uri()}/")
    for source in (local, remote):
        found = sorted(photo.path for photo in source.listed(crops))
        assert found == ["a/x", "a/z.PNG", "b.jpg", "c.heic"] + (
            ["crops/a.jpg"] if crops else []
        )
    by_path = [
        {photo.path: photo for photo in source.listed(crops)}
        for source in (local, remote)
    ]
    assert by_path[0] == by_path[1]
    assert by_path[0]["a/z.PNG"] == Listed("a/z.PNG", 2, 1234567890123456789)


def test_photos_by_name(folder):
    """Read where the work is done, after a journey."""
    for place in (str(folder), folder.as_uri()):
        source = open_source(place)
        list(source.listed(False))
        name, photo = pickle.loads(pickle.dumps(source)).named("a/z.PNG")
        assert name == "a/z.PNG"
        data = photo.read() if "://" in place else photo.read_bytes()
        assert data == b"22"


def test_what_cannot_be_looked_at(folder):
    (folder / "gone.jpg").symlink_to("nowhere")
    photos = {one.path: one for one in open_source(str(folder)).listed(False)}
    assert photos["gone.jpg"].size == -1


def test_a_folder_that_cannot_be_read(folder, monkeypatch):
    """Its photos are not gone: nothing is done."""
    whole = os.listdir

    def listdir(place):
        if os.fspath(place).endswith("/a"):
            raise OSError(5, "Input/output error")
        return whole(place)

    monkeypatch.setattr(os, "listdir", listdir)
    with pytest.raises(OSError, match="/a' cannot be read"):
        list(open_source(str(folder)).listed(False))


@pytest.mark.parametrize(
    ("place", "error", "match"),
    [
        ("nowhere", FileNotFoundError, "There is no folder 'nowhere'"),
        ("file:///nowhere/x", FileNotFoundError, "'file:///nowhere/x'"),
        ("nothing://a/b", ValueError, "'nothing://a/b' cannot be read"),
    ],
)
def test_no_folder(place, error, match):
    with pytest.raises(error, match=match):
        open_source(place)
