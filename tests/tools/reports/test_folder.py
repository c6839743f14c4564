"""Where a report is written, and what it leaves alone."""

import os

import cv2
import numpy as np
import pytest

from keras_hypersphere.tools.reports.folder import (
    MARK,
    require_folder,
    write_picture,
    write_report,
)


def drawing(*names):
    """A page of these pictures."""

    def draw(folder):
        for name in names:
            write_picture(folder / name, np.full((4, 5, 3), 7, np.uint8))
        return MARK + " ".join(names)

    return draw


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_smaller_report_leaves_no_picture_of_a_larger_one(tmp_path):
    folder = tmp_path / "new" / "report"
    page = write_report(folder, drawing("roc.png", "same-01.png"))
    assert page == folder / "index.html"
    others = ("mine.png", "same-001.png", "same-02.png.txt", "notes")
    for name in others:
        (folder / name).write_text("mine")
    write_report(folder, drawing("roc.png", "different-01.png"))
    assert names_in(folder) == sorted(
        (*others, "different-01.png", "index.html", "roc.png")
    )
    assert all((folder / name).read_text() == "mine" for name in others)
    assert page.read_text() == MARK + "roc.png different-01.png"
    assert (cv2.imread(str(folder / "roc.png")) == 7).all()


@pytest.mark.parametrize("error", [OSError(28, "No space left"), ValueError])
def test_an_error_leaves_the_earlier_report(tmp_path, error):
    folder = tmp_path / "report"
    write_report(folder, drawing("roc.png", "same-01.png"))

    def draw(elsewhere):
        drawing("roc.png", "scores.png")(elsewhere)
        raise error

    with pytest.raises(OSError, match="report' was not written") as caught:
        write_report(folder, draw)
    assert "The figures hold" in str(caught.value)
    assert names_in(folder) == ["index.html", "roc.png", "same-01.png"]


def test_a_full_disk_is_an_error(tmp_path):
    """No file may become larger than 1,000 bytes."""
    resource = pytest.importorskip("resource")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)

    def draw(folder):
        write_picture(folder / "roc.png", noise)
        return MARK

    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, kept[1]))
    try:
        with pytest.raises(OSError, match=r"was not written: File too large"):
            write_report(tmp_path / "report", draw)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert names_in(tmp_path / "report") == []


def test_a_file_is_no_folder(tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("mine")
    for folder in (note, note / "report", note / "a" / "b"):
        with pytest.raises(ValueError, match=r"note\.txt' is a file.*Give"):
            require_folder(folder)
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="broken' is a file"):
        require_folder(tmp_path / "broken")
    assert note.read_text() == "mine"


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    # The superuser may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    for folder in (tmp_path, tmp_path / "a" / "b"):
        with pytest.raises(PermissionError, match="Give --report another"):
            require_folder(folder)


def test_nothing_is_made_before_the_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("report", "a/b", tmp_path / "c"):
        require_folder(folder)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["index.html", "roc.png", "same-01.png"])
def test_files_of_others_are_not_replaced(tmp_path, name):
    (tmp_path / "photo.png").write_text("mine")
    require_folder(tmp_path)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match=f"{name}' is of no report.*another"):
        require_folder(tmp_path)
    (tmp_path / name).unlink()
    write_report(tmp_path, drawing("roc.png"))
    require_folder(tmp_path)
