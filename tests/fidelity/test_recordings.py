"""Every recording of real Caffe, on the backend that Keras runs on."""

import re
from collections import Counter

import numpy as np
import pytest

from tests.fidelity import ledger
from tests.fidelity.recording import load, names
from tests.fidelity.replays import (
    inner_distance,
    label_specific_add,
    margin_inner_product,
)
from tests.fidelity.report import PAGE

RECORDED = 458
GOAL = 380


# A second seed shows the same, and `make test-slow` shows it.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=() if name.endswith("_s0") else pytest.mark.slow
        )
        for name in names()
    ],
)
def test_recording(name):
    verdict = ledger.judge(name)
    assert verdict.outcome in ("matched", "excluded"), verdict.why


@pytest.mark.slow
def test_the_count_of_matched_recordings_does_not_fall():
    verdicts = ledger.judge_all()
    assert len(verdicts) == RECORDED
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    written = re.search(r"\*\*(\d+) of (\d+)\*\* .* matched", PAGE.read_text())
    assert int(written[2]) == RECORDED
    assert outcomes["matched"] >= max(GOAL, int(written[1]))


@pytest.mark.parametrize("row", ledger.exclusions(), ids=lambda r: r.recording)
def test_an_exclusion_is_of_use(row):
    found = [n for n in names() if ledger.rows_of(n, [row])]
    assert found
    assert all(ledger.judge(n).outcome == "excluded" for n in found)


@pytest.mark.parametrize("row", ledger.uncompared(), ids=lambda r: r.recording)
def test_an_array_left_out_is_there(row):
    found = [load(n) for n in names() if ledger.rows_of(n, [row])]
    assert found
    assert any(row.has(key) for z in found for key in ledger.results(z))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("normalize_L2_tops2_bp1_fix0_5x7_s0", "bottom_diff0"),
        ("innerproduct_norm1_bias0_transpose0_s0", "param_diff0"),
        ("margininnerproduct_QUADRUPLE_paper_s0", "s1_param0_after"),
        ("generaltriplet_hardest_s0", "top0"),
    ],
)
@pytest.mark.parametrize("change", [1.0001, np.nan, 0.0])
def test_a_wrong_array_fails(name, key, change):
    recording = load(name)
    kept = recording.arrays[f"{key}_f64"].copy()
    recording.arrays[f"{key}_f64"] = kept * change
    verdict = ledger.compare(recording)
    assert verdict.outcome == "failed"
    assert key in verdict.why


def test_an_array_that_nothing_replays_fails():
    recording = load("flip_default_s0")
    recording.arrays["top1"] = recording.arrays["top0"]
    verdict = ledger.compare(recording)
    assert verdict.outcome == "failed"
    assert "top1" in verdict.why


def test_an_exclusion_that_agrees_fails():
    recording = load("innerdistance_L1_norm0_s0")
    for key in ("bottom_diff0", "param_diff0"):
        ours, _ = inner_distance.replay(recording)[key]
        recording.arrays[f"{key}_f64"] = ours.astype("float64")
    verdict = ledger.compare(recording)
    assert verdict.outcome == "failed"
    assert "take it off" in verdict.why


@pytest.mark.parametrize("name", names("labelspecificadd_anneal*_train_*"))
def test_a_margin_set_to_the_recorded_bias_agrees(name):
    z = load(name)
    biases = [float(z[f"{p}top1"][0]) for p in z.prefixes]
    assert len(set(biases)) > 1
    for p, bias in zip(z.prefixes, biases, strict=True):
        arrays = label_specific_add.step(z, p, margin=-bias)
        for key, (ours, theirs) in arrays.items():
            assert ledger.error(ours, theirs) <= ledger.TOLERANCE, key


@pytest.mark.parametrize("name", names("margininnerproduct_*_edge_zero*"))
def test_a_zero_feature_is_finite_and_the_others_agree(name):
    z = load(name)
    zero = ~z["bottom0"].any(axis=1)
    assert zero.sum() == 1
    for key, (ours, theirs) in margin_inner_product.replay(z).items():
        assert np.isfinite(ours).all(), key
        if not np.isfinite(theirs).all():
            assert key in ("top0", "bottom_diff0")
            ours, theirs = ours[~zero], theirs[~zero]
        assert ledger.error(ours, theirs) <= ledger.TOLERANCE, key
