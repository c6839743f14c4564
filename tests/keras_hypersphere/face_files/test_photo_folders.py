import os
import socket

import cv2
import numpy as np
import pytest

from keras_hypersphere.face_files import photo_folders as folders
from keras_hypersphere.zoo import images


def make(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def below(root, paths):
    return [path.relative_to(root).as_posix() for path in paths]


def test_sorted_without_hidden_files_and_others(tmp_path):
    make(tmp_path, "b.JPG", "a/c.png", ".hidden.png", ".x/d.png", "text.txt")
    assert below(tmp_path, images.files_in(tmp_path)) == ["a/c.png", "b.JPG"]


def test_every_suffix_of_a_picture(tmp_path):
    names = [f"{i:02}{suffix}" for i, suffix in enumerate(images.SUFFIXES)]
    make(tmp_path, *names)
    assert below(tmp_path, images.files_in(tmp_path)) == names
    assert {".jfif", ".avif", ".webp", ".jpeg"} <= set(images.SUFFIXES)


def test_a_name_without_suffix_is_looked_into(tmp_path):
    assert cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4), np.uint8))
    (tmp_path / "a.png").rename(tmp_path / "scan")
    make(tmp_path, "README")
    assert below(tmp_path, images.files_in(tmp_path)) == ["scan"]


@pytest.mark.parametrize(
    "name",
    [
        *("@eaDir", "#recycle", "__MACOSX", ".@__thumb", ".AppleDouble"),
        *("$RECYCLE.BIN", "@Recycle", "lost+found"),
    ],
)
def test_folders_of_systems_hold_no_photos(tmp_path, name):
    make(tmp_path, f"Ann/{name}/1.jpg/SYNOPHOTO_THUMB_M.jpg", f"{name}/1.jpg")
    make(tmp_path, "Ann/1.jpg", "Ann/Thumbs.db", "Ann/SYNOFILE_THUMB_M.jpg")
    found = folders.find(tmp_path)
    assert below(tmp_path, found.photos) == ["Ann/1.jpg"]
    assert not found.left_out and not found.again


def test_crops_of_align_in_a_sub_folder_are_no_photos(tmp_path):
    make(tmp_path, "a.jpg", "crops/a.jpg.png", "crops/crops.jsonl")
    make(tmp_path, "crops/deep/b.jpg.png")
    assert below(tmp_path, images.files_in(tmp_path)) == ["a.jpg"]
    assert below(tmp_path, images.files_in(tmp_path, crops=True)) == [
        "a.jpg",
        "crops/a.jpg.png",
        "crops/deep/b.jpg.png",
    ]
    # Asked for, they are.
    assert below(tmp_path, images.files_in(tmp_path / "crops")) == [
        "crops/a.jpg.png",
        "crops/deep/b.jpg.png",
    ]


def test_linked_folders_are_followed_once(tmp_path):
    root = tmp_path / "people"
    make(
        tmp_path, "elsewhere/1.jpg", "elsewhere/deep/2.jpg", "people/Bob/3.jpg"
    )
    (root / "Ann").symlink_to("../elsewhere")
    # Round and round; and two links to each other.
    (root / "Bob" / "up").symlink_to(root)
    (tmp_path / "elsewhere" / "back").symlink_to(root / "Bob")
    (root / "loop").symlink_to("loop")
    found = folders.find(root)
    assert below(root, found.photos) == [
        "Ann/1.jpg",
        "Ann/deep/2.jpg",
        "Bob/3.jpg",
    ]
    assert below(root, found.again) == ["Ann/back"]
    assert not found.left_out
    # Of two links to one folder, one inside of the other's, too.
    (root / "Zoe").symlink_to("../elsewhere/deep")
    assert below(root, sorted(folders.find(root).again)) == ["Ann/back", "Zoe"]
    (root / "Zoe").unlink()
    (root / "A").symlink_to("../elsewhere/deep")
    again = folders.find(root).again
    assert below(root, sorted(again)) == ["Ann/back", "Ann/deep"]
    (root / "A").unlink()
    (root / "also").symlink_to("Bob")
    found = folders.find(root)
    assert len(found.photos) == 3
    assert "read under another name" in found.again[root / "also"]
    # The real one is taken, though its name comes later.
    (root / "Aaron").symlink_to("Bob")
    assert root / "Bob" / "3.jpg" in folders.find(root).photos


def test_what_cannot_be_read_is_told(tmp_path):
    make(tmp_path, "a.heic", "b.jpg", "x.dng")
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "s.png"))
    found = folders.find(tmp_path)
    assert below(tmp_path, found.photos) == ["b.jpg"]
    told = {path.name: why for path, why in found.left_out.items()}
    assert set(told) == {"a.heic", "x.dng", "gone.jpg", "pipe.jpg", "s.png"}
    assert "Convert it to JPEG" in told["a.heic"]
    assert "a pipe (FIFO)" in told["pipe.jpg"]
    assert "a socket" in told["s.png"]
    assert "a link to 'nowhere.jpg'" in told["gone.jpg"]
    # `files_in` lists them, and `read` says why.
    assert set(images.files_in(tmp_path)) == {
        tmp_path / "b.jpg",
        *found.left_out,
    }
    for name in ("pipe.jpg", "s.png"):
        with pytest.raises(ValueError, match="a file was expected"):
            images.read(tmp_path / name)
    with pytest.raises(ValueError, match="a device"):
        images.read("/dev/null")


def test_folders_without_rights_are_told(tmp_path, monkeypatch):
    make(tmp_path, "Ann/1.jpg", "secret/1.jpg")
    secret = tmp_path / "secret"
    listdir, access = os.listdir, os.access

    def refuse(path):
        if path == secret:
            raise PermissionError(13, "Permission denied", str(path))
        return listdir(path)

    # Root may read everything.
    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(
        os, "access", lambda path, mode: path != secret and access(path, mode)
    )
    found = folders.find(tmp_path)
    assert below(tmp_path, found.photos) == ["Ann/1.jpg"]
    assert "secret' may not be read" in found.left_out[secret]
    assert images.files_in(tmp_path) == [tmp_path / "Ann" / "1.jpg", secret]
    with pytest.raises(PermissionError, match="secret' may not be read"):
        images.read(secret)


def test_a_link_to_nothing_is_listed_and_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "there.jpg").symlink_to("a.jpg")
    (tmp_path / "gone.jpg").symlink_to("b.jpg")
    (tmp_path / "round.jpg").symlink_to("round.jpg")
    (tmp_path / "folder.jpg").symlink_to(tmp_path)
    assert below(tmp_path, images.files_in(tmp_path)) == [
        "a.jpg",
        "gone.jpg",
        "round.jpg",
        "there.jpg",
    ]
    with pytest.raises(FileNotFoundError, match=r"gone\.jpg' .* to 'b\.jpg'"):
        images.read(tmp_path / "gone.jpg")
    with pytest.raises(FileNotFoundError, match=r"Mend the link"):
        images.read(tmp_path / "round.jpg")
