"""docs/fidelity.md: the ledger as a page, group by group."""

from pathlib import Path
from typing import Any

from tests.fidelity.ledger import TOLERANCE, Verdict

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
TITLES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
GROUPS = {
    "Normalize": "`Normalize`",
    "InnerProduct": "`InnerProduct`, plain and `normalize`",
    "InnerDistance": "`InnerDistance`",
    "GeneralContrastiveLoss": "`GeneralContrastiveLoss`",
    "GeneralTripletLoss": "`GeneralTripletLoss`",
    "Flip": "`Flip`",
    "LabelSpecificAdd": "`LabelSpecificAdd`",
    "MarginInnerProduct": "`MarginInnerProduct`, two forks",
    "LargeMarginInnerProduct": "`LargeMarginInnerProduct`",
    "CenterLoss": "`CenterLoss`, two forks",
    "SoftmaxWithLoss": "`SoftmaxWithLoss`",
    "Accuracy": "`Accuracy`",
    "Scale": "`Scale`, clipped",
    "head": "heads as published, step by step",
    "e2e": "small networks with heads",
    "trajectory": "six steps of the solver",
    "gpuemul": "GPU kernels, transcribed to NumPy",
}

PAGE_TEXT = """# Fidelity to the original Caffe

**{matched} of {count}** recordings of real Caffe layers are matched on \
{backends}; {excluded} are excluded, \
[each with its reason](fidelity-exclusions.md).

A recording is matched if every array, be it an output, a gradient by \
features or weights, or a weight after the step, has \
`|a - b| <= {tolerance:.0e} * max|reference|`; ours is float32, the \
reference Caffe's own float64 run on the same input. With one array off, it \
is excluded. The columns of the backends hold the largest \
`|a - b| / max|reference|` among the arrays that must agree.

| group | recordings | matched | excluded | {titles} |
|---|---|---|---|{rule}
{rows}

`make fidelity` makes this page: it replays `tests/fixtures/golden/` on each \
backend that is installed. Here: {versions}. `make test` fails when the count \
of matched recordings falls below the one above.
"""


def outcome(verdicts: list[Verdict]) -> str:
    """That of a recording over backends: the worst."""
    found = {verdict.outcome for verdict in verdicts}
    return next(o for o in ("failed", "excluded", "matched") if o in found)


def page(runs: dict[str, list[Verdict]], versions: list[str]) -> str:
    """The page.

    Args:
        runs: the verdicts by backend, in one order.
        versions: of what they were made with, such as `Keras 3.12`.
    """
    recordings = list(zip(*runs.values(), strict=True))
    outcomes = [(found[0].group, outcome(found)) for found in recordings]
    rows = []
    for group, words in GROUPS.items():
        own = [o for g, o in outcomes if g == group]
        cells: list[Any] = [words, len(own)]
        cells += [own.count("matched"), own.count("excluded")]
        cells += [
            f"{max(v.worst for v in verdicts if v.group == group):.1e}"
            for verdicts in runs.values()
        ]
        rows.append(cells)
    total = ["**all**"]
    total += [sum(cells[i] for cells in rows) for i in (1, 2, 3)]
    total += [f"{max(v.worst for v in run):.1e}" for run in runs.values()]
    titles = [TITLES[backend] for backend in runs]
    *first, last = titles
    return PAGE_TEXT.format(
        count=total[1],
        matched=total[2],
        excluded=total[3],
        backends=f"{', '.join(first)} and {last}" if first else last,
        tolerance=TOLERANCE,
        titles=" | ".join(titles),
        rule="---|" * len(titles),
        rows="\n".join(
            f"| {' | '.join(map(str, cells))} |" for cells in [*rows, total]
        ),
        versions=", ".join(versions),
    )
