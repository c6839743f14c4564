"""The rate that a line of progress says."""

import time

import pytest

from keras_hypersphere.tools.progress import Progress


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (0.0, "12000 of 12000 photos"),
        (4.0, "12000 of 12000 photos, 3,000 a second"),
        (4000.0, "12000 of 12000 photos, 3 a second"),
    ],
)
def test_rates(seconds, line, capsys, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0)
    progress = Progress(12000, "photos")
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0 + seconds)
    progress.update(12000)
    assert capsys.readouterr().err == line + "\n"
