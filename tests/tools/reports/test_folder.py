"""Where a report is written, and what it leaves alone."""

import os

import pytest

from keras_hypersphere.tools.reports.folder import (
    MARK,
    require_folder,
    write_report,
)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_report_replaces_an_earlier_one_and_nothing_else(tmp_path):
    folder = tmp_path / "new" / "report"
    page = write_report(folder, lambda: MARK + "first")
    assert page == folder / "index.html"
    (folder / "roc.png").write_text("mine")
    require_folder(folder)
    write_report(folder, lambda: MARK + "second λ")
    assert names_in(folder) == ["index.html", "roc.png"]
    assert (folder / "roc.png").read_text() == "mine"
    assert page.read_text(encoding="utf-8") == MARK + "second λ"


@pytest.mark.parametrize("error", [OSError(28, "No space left"), ValueError])
def test_an_error_leaves_the_earlier_report(tmp_path, error):
    folder = tmp_path / "report"
    page = write_report(folder, lambda: MARK)

    def draw():
        raise error

    with pytest.raises(OSError, match="report' was not written") as caught:
        write_report(folder, draw)
    assert "The figures hold" in str(caught.value)
    assert names_in(folder) == ["index.html"]
    assert page.read_text() == MARK


def test_a_full_disk_is_an_error(tmp_path):
    """No file may become larger than 1,000 bytes."""
    resource = pytest.importorskip("resource")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, kept[1]))
    try:
        with pytest.raises(OSError, match=r"was not written: File too large"):
            write_report(tmp_path / "report", lambda: 1001 * "x")
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


def test_a_page_of_others_is_not_replaced(tmp_path):
    (tmp_path / "photo.png").write_text("mine")
    require_folder(tmp_path)
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(ValueError, match=r"index\.html' is of no report"):
        require_folder(tmp_path)
    (tmp_path / "index.html").unlink()
    write_report(tmp_path, lambda: MARK)
    require_folder(tmp_path)
