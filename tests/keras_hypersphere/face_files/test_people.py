import pytest

from keras_hypersphere.face_files.people import find_people


def make(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_nobody_vanishes(tmp_path):
    root = tmp_path / "people"
    make(root, "Ann/1.jpg", "Eve.jpg", "Fay.jfif", "Gus/1.heic", "Gus/2.avif")
    make(root, "team/Bob/1.jpg", "team/Cid/1.jpg", "@eaDir/thumb.jpg")
    make(tmp_path, "elsewhere/1.jpg")
    (root / "Dora").symlink_to("../elsewhere")
    (root / "Dorothea").symlink_to("Dora")
    people, left_out = find_people(root)
    assert [(p.relative_to(root).as_posix(), who) for p, who in people] == [
        ("Ann/1.jpg", "Ann"),
        ("Dora/1.jpg", "Dora"),
        ("Eve.jpg", "Eve"),
        ("Fay.jfif", "Fay"),
        ("Gus/2.avif", "Gus"),
        ("team/Bob/1.jpg", "team/Bob"),
        ("team/Cid/1.jpg", "team/Cid"),
    ]
    assert list(left_out) == [str(root / "Dorothea"), str(root / "Gus/1.heic")]
    assert "under another name" in left_out[str(root / "Dorothea")]
    assert "Convert it" in left_out[str(root / "Gus/1.heic")]


def test_a_group_photo_does_not_join_people(tmp_path):
    make(tmp_path, "team/all.jpg", "team/Bob/1.jpg", "team/Cid/1.jpg")
    people, _ = find_people(tmp_path)
    assert [who for _, who in people] == ["team/Bob", "team/Cid", "team"]


def test_folders_that_hold_nobody(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        find_people(tmp_path / "no")
    with pytest.raises(FileNotFoundError, match="There is no folder ''"):
        find_people("")
    make(tmp_path, "Gus/1.heic")
    with pytest.raises(ValueError, match=r"has no pictures .*Convert it"):
        find_people(tmp_path)
