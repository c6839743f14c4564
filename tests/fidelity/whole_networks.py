"""The section of docs/fidelity.md on networks that real Caffe ran."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.fidelity.report import TITLES

# Of a blob's range.
TOLERANCE = 1e-4
HEADING = "## Whole networks"

SECTION = """{heading}

**{count} networks**, {blobs} blobs: each was run by real Caffe, converted \
from the same files, and compared blob by blob; the columns hold the largest \
difference of any blob, over the blob's range. The reference is what \
`verify` falls back on: float64, layer by layer, and its difference is \
Caffe's own rounding.

| network | blobs | {titles} |
|---|---|---|{rule}
{rows}

`make test-recordings` makes this section, on each backend that is installed.
"""


class Result(NamedTuple):
    """How many blobs were compared, and the largest difference."""

    blobs: int
    worst: float


def section(runs: Mapping[str, Mapping[str, Result]]) -> str:
    """The section; `runs` has the results by backend or reference, by name."""
    first = next(iter(runs.values()))
    rows = [
        [f"`{name}`", result.blobs, *(run[name].worst for run in runs.values())]
        for name, result in first.items()
    ]
    blobs = sum(result.blobs for result in first.values())
    rows.append(
        [
            "**all**",
            blobs,
            *(max(r.worst for r in run.values()) for run in runs.values()),
        ]
    )
    lines = [
        " | ".join([name, str(count), *(f"{off:.1e}" for off in worst)])
        for name, count, *worst in rows
    ]
    return SECTION.format(
        heading=HEADING,
        count=len(first),
        blobs=blobs,
        titles=" | ".join(TITLES.get(run, run) for run in runs),
        rule="---|" * (len(runs) - 1),
        rows="\n".join(f"| {line} |" for line in lines),
    )


def find_section(page: str) -> str:
    """The section in a page, or nothing."""
    return page[page.index(HEADING) :] if HEADING in page else ""


def replace_section(page: str, new: str) -> str:
    """The page with another section, which is its last."""
    old = find_section(page)
    return page.removesuffix(old).rstrip("\n") + f"\n\n{new}" if new else page
