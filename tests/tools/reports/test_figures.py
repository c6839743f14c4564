"""What the pictures of curves show."""

import warnings

import numpy as np
import pytest

from keras_hypersphere.evaluation import lfw
from keras_hypersphere.tools.reports import figures


def measure(pairs, noise):
    random = np.random.default_rng(0)
    same = np.arange(pairs) % 2 == 0
    left = random.normal(size=(pairs, 16))
    right = np.where(same[:, None], left, random.normal(size=left.shape))
    right += noise * random.normal(size=left.shape)
    return lfw(left, right, same, folds=2), same


def marks(axes):
    """The words next to the marks, and where these are."""
    handles, words = axes.get_legend_handles_labels()
    return {
        word: (line.get_xdata()[0], line.get_ydata()[0])
        for line, word in zip(handles, words, strict=True)
    }


def test_a_perfect_result_shows_its_marks():
    report, same = measure(32, 0.01)
    [axes] = figures.roc(report, same).axes
    ticks = axes.get_yticks()
    assert ticks.max() == pytest.approx(1.0)
    assert ticks.min() <= 0.9
    assert axes.get_ylim()[0] <= 0.9
    found = marks(axes)
    assert set(found) == {
        "TAR 100.00% without a false accept",
        "equal error rate 0.00%",
    }
    low, high = axes.get_xlim()
    assert all(low <= x <= high for x, _ in found.values())


def test_the_curve_of_many_pairs():
    report, same = measure(4000, 0.9)
    assert 0.1 < report.tar < 0.999
    [axes] = figures.roc(report, same).axes
    found = marks(axes)
    assert found[f"TAR {report.tar:.2%} at FAR 0.1%"][0] == 1e-3
    x, y = found[f"equal error rate {report.eer:.2%}"]
    assert (x, y) == (report.eer, 1 - report.eer)
    curve = axes.lines[0]
    np.testing.assert_array_equal(curve.get_ydata(), report.curve.tar)
    # What is accepted without a false accept stands at the left edge.
    np.testing.assert_array_equal(
        curve.get_xdata(), np.maximum(report.curve.far, 1 / 4000)
    )
    bottom, top = axes.get_ylim()
    assert bottom < report.tar_at(1 / 2000) < top


def test_a_failed_pair_leaves_room_for_its_mark(tmp_path):
    """Of three different pairs one is accepted whatever the threshold is."""
    same = np.array([1, 0, 1, 0, 1, 0], bool)
    left = np.eye(6)
    right = np.where(same[:, None], left, -left)
    report = lfw(left, right, same, folds=3, failed=np.arange(6) == 5)
    figure = figures.roc(report, same)
    [axes] = figure.axes
    low, high = axes.get_ylim()
    found = marks(axes)
    assert found["TAR 0.00% without a false accept"][1] == 0.0
    assert all(low <= y <= high for _, y in found.values())
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "constrained_layout not applied")
        figure.savefig(tmp_path / "roc.png")


def test_histograms_hold_every_score_once():
    report, same = measure(400, 0.9)
    [axes] = figures.histograms(report, same).axes
    heights = [sum(p.get_height() for p in bars) for bars in axes.containers]
    assert heights == [200, 200]
