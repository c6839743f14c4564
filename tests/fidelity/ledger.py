"""The ledger: each recording is matched, excluded with a reason, or failed.

docs/fidelity-exclusions.md says what is excluded; its claims are tested too:
an excluded array must differ, and what a replay leaves out must stand there.
"""

import fnmatch
import functools
import importlib
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.fidelity.recording import NoCounterpart, Recording, load, names

TOLERANCE = 1e-5
EXCLUSIONS = Path(__file__).parents[2] / "docs" / "fidelity-exclusions.md"
EXCLUDED = re.compile(r"\| `(.+?)` \| `(.+?)` \| (bug|concept) \| (.+) \|")
UNCOMPARED = re.compile(r"\| `(.+?)` \| `(.+?)` \| not compared \| (.+) \|")
# Keys of results, by the kind of recording; the second group has no step.
GIVEN = {
    "layer": re.compile(
        r"(s\d_)?((top|bottom_diff|param_diff)\d|\w+_after|loss)"
    ),
    "net": re.compile(
        r"(s\d_)?((blob|diff|param_diff)_\w+?|param_\w+_after|loss)(?<!_f64)"
    ),
    "trajectory": re.compile(r"(s\d_)?((?<=_)(blob|param)_\w+)(?<!_f64)"),
}

# Caffe's layer, or the kind of network -> module of `replays`
REPLAYS = {
    "Accuracy": "accuracy",
    "CenterLoss": "center_loss",
    "Flip": "flip",
    "GeneralContrastiveLoss": "general_contrastive",
    "GeneralTripletLoss": "general_triplet",
    "InnerDistance": "inner_distance",
    "InnerProduct": "inner_product",
    "LabelSpecificAdd": "label_specific_add",
    "LargeMarginInnerProduct": "large_margin_inner_product",
    "MarginInnerProduct": "margin_inner_product",
    "Normalize": "normalize",
    "Scale": "scale",
    "SoftmaxWithLoss": "softmax_with_loss",
    "head": "heads",
    "e2e": "end_to_end",
    "trajectory": "trajectories",
}


class Exclusion(NamedTuple):
    """A row of the table: patterns of file names and of arrays, and why."""

    recording: str
    arrays: tuple[str, ...]
    kind: str
    reason: str

    def has(self, array: str) -> bool:
        return any(fnmatch.fnmatchcase(array, p) for p in self.arrays)


class Verdict(NamedTuple):
    """What became of a recording.

    `outcome` is `matched`, `excluded` or `failed`; `worst` the largest error
    of the arrays that must agree; `why` what failed, or the reason.
    """

    name: str
    group: str
    outcome: str
    worst: float
    why: str


@functools.cache
def exclusions() -> list[Exclusion]:
    """The arrays that differ."""
    return [
        Exclusion(name, tuple(arrays.split()), kind, reason)
        for name, arrays, kind, reason in EXCLUDED.findall(
            EXCLUSIONS.read_text()
        )
    ]


@functools.cache
def uncompared() -> list[Exclusion]:
    """The arrays that no replay needs to give."""
    return [
        Exclusion(name, tuple(arrays.split()), "not compared", reason)
        for name, arrays, reason in UNCOMPARED.findall(EXCLUSIONS.read_text())
    ]


def rows_of(name: str, table: list[Exclusion]) -> list[Exclusion]:
    """The rows that speak of a recording."""
    return [r for r in table if fnmatch.fnmatchcase(name, r.recording)]


def error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference, relative to the largest entry of the reference."""
    ours = np.asarray(ours, "float64")
    theirs = np.asarray(theirs, "float64")
    if ours.shape != theirs.shape:
        return np.inf
    difference = np.abs(ours - theirs).max(initial=0.0)
    if difference == 0.0:
        return 0.0
    size = np.abs(theirs).max(initial=0.0)
    # Where the reference is all zeros, so must ours be; NaN never agrees.
    return float(difference / size) if size and difference < np.inf else np.inf


def results(recording: Recording) -> set[str]:
    """Names of the arrays that a run gave."""
    given = GIVEN[recording.meta["kind"]]
    inputs = recording.meta.get("inputs", ())
    labels = {f"bottom_diff{i}" for i, x in enumerate(inputs) if x == "label"}
    labels |= {"blob_label", "diff_label"}
    found = {given.fullmatch(key) for key in recording.arrays}
    return {m[0] for m in found if m and m[2] not in labels}


@functools.cache
def judge(name: str) -> Verdict:
    """Replays a recording and compares."""
    return compare(load(name))


def compare(recording: Recording) -> Verdict:
    """Replays a recording, uncached."""
    rows = rows_of(recording.name, exclusions())
    reasons = " ".join(row.reason for row in rows)

    def verdict(outcome: str, worst: float, why: str = "") -> Verdict:
        return Verdict(recording.name, recording.group, outcome, worst, why)

    kind = recording.meta["kind"]
    key = kind if kind == "trajectory" else recording.meta["layer_type"]
    module = importlib.import_module(f"tests.fidelity.replays.{REPLAYS[key]}")
    try:
        arrays = module.replay(recording)
    except NoCounterpart as why:
        if any(row.arrays == ("*",) for row in rows):
            return verdict("excluded", 0.0, reasons)
        return verdict("failed", np.inf, f"{why}; no row with `*` says so")

    ignored = rows_of(recording.name, uncompared())
    missing = [
        key
        for key in results(recording) - arrays.keys()
        if not any(row.has(key) for row in ignored)
    ]
    if missing or not arrays:
        return verdict("failed", np.inf, f"not compared: {sorted(missing)}")

    worst, why = 0.0, []
    for key, (ours, theirs) in arrays.items():
        off = error(ours, theirs)
        if any(row.has(key) for row in rows):
            if off <= TOLERANCE:
                why.append(f"{key} agrees: take it off the table")
        else:
            worst = max(worst, off)
            if off > TOLERANCE:
                why.append(f"{key} is off by {off:.2g}")
    for row in rows:
        if not any(row.has(key) for key in arrays):
            why.append(f"no array is {' '.join(row.arrays)}")
    if why:
        return verdict("failed", worst, "; ".join(why))
    return verdict("excluded" if rows else "matched", worst, reasons)


def judge_all() -> list[Verdict]:
    """The verdicts on all recordings."""
    return [judge(name) for name in names()]
