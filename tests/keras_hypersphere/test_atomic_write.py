import pytest

from keras_hypersphere.atomic_write import atomic_write, require_place


def test_it_takes_its_place_once_it_is_whole(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"older")
    with atomic_write(path) as file:
        file.write(b"newer")
        assert path.read_bytes() == b"older"
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_older_file_is_there(tmp_path, error):
    path = tmp_path / "a.npz"
    path.write_bytes(b"older")
    with pytest.raises(error), atomic_write(path) as file:
        file.write(b"new")
        raise error
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_are_none(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"to write 'a\.npz' into"):
        require_place(tmp_path / "no" / "a.npz")
    folder = tmp_path / "b.npz"
    folder.mkdir()
    with pytest.raises(ValueError, match=r"is a folder.*b\.npz/1\.npz'"):
        require_place(folder)
    (tmp_path / "note").write_text("x")
    with pytest.raises(FileNotFoundError, match="Make it first"):
        require_place(tmp_path / "note" / "a.npz")
    # Root may write everywhere.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="Name another one"):
        require_place(tmp_path / "a.npz")


@pytest.mark.parametrize("length", [240, 251, 255])
def test_names_as_long_as_the_system_takes(tmp_path, length):
    path = tmp_path / ("n" * (length - 4) + ".npz")
    for text in (b"one", b"two"):
        with atomic_write(path) as file:
            file.write(text)
        assert path.read_bytes() == text
    assert list(tmp_path.iterdir()) == [path]


def test_rights_are_those_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with atomic_write(tmp_path / "a") as file:
        file.write(b"x")
    modes = {(tmp_path / name).stat().st_mode for name in ("plain", "a")}
    assert len(modes) == 1
