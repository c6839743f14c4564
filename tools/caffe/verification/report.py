"""What `verify` found, blob by blob."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# Of a blob's range: Caffe's own builds differ by some 1e-6.
TOLERANCE = 1e-4
HUGE = 1e30
LEAST_RANGE = 1e-6
# With the tolerance, some ten roundings of a float32.
FAR = 1e-2


@dataclass(frozen=True)
class Row:
    """One blob of one layer.

    Attributes:
        layer, type, blob: Caffe's names.
        shape: In Caffe's order, with the batch that was run.
        difference: Largest absolute difference, or None if unchecked.
        relative: The same, divided by the range of the oracle's blob.
        oracle: Who made the values to compare with, or None.
        reason: Why the blob is unchecked or fails; empty otherwise.
        note: Why the oracle is not OpenCV, where that is no matter of course.
    """

    layer: str
    type: str
    blob: str
    shape: tuple[int, ...]
    difference: float | None = None
    relative: float | None = None
    oracle: str | None = None
    reason: str = ""
    note: str = ""

    @property
    def status(self) -> str:
        """`"ok"`, `"differs"` or `"unchecked"`."""
        if self.relative is None:
            return "differs" if self.oracle else "unchecked"
        return "ok" if self.relative <= TOLERANCE else "differs"


@dataclass(frozen=True)
class Verification:
    """The table that `verify` returns; `print` shows it.

    Attributes:
        rows: One for each blob that each layer makes, in order.
        notes: Why OpenCV was not asked at all, and how to fix that.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every blob was checked and agrees."""
        return bool(self.rows) and all(row.status == "ok" for row in self.rows)

    def summary(self) -> str:
        """One line."""
        count = {
            status: sum(row.status == status for row in self.rows)
            for status in ("ok", "differs", "unchecked")
        }
        words = f"{count['ok']} of {len(self.rows)} blobs agree"
        worst = [row for row in self.rows if row.status == "ok"]
        if worst:
            row = max(worst, key=lambda row: row.relative)
            words += f" (worst {row.relative:.1e} of its range: {row.blob})"
        if len(self.oracles) == 1:
            words += f", compared with {articled(*self.oracles)}"
        elif self.oracles:
            words += ", " + ", ".join(
                f"{number} compared with {articled(name)}"
                for name, number in self.oracles.items()
            )
        if count["differs"]:
            first = next(row for row in self.rows if row.status == "differs")
            words += (
                f"; {count['differs']} differ, first at layer {first.layer!r} "
                f"({first.type})"
            )
        if count["unchecked"]:
            first = next(row for row in self.rows if row.status == "unchecked")
            words += f"; {count['unchecked']} unchecked: {first.reason}"
        return words

    @property
    def oracles(self) -> dict[str, int]:
        """How many blobs each oracle checked."""
        return dict(Counter(row.oracle for row in self.rows if row.oracle))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "passed": self.passed,
            "tolerance": TOLERANCE,
            "oracles": self.oracles,
            "notes": list(self.notes),
            "rows": [
                {**asdict(row), "status": row.status} for row in self.rows
            ],
        }

    def __str__(self) -> str:
        """The table, and what is to be said about the oracles."""
        head = ("layer", "type", "blob", "shape", "difference", "of range")
        cells = [(*head, "oracle", "")]
        for row in self.rows:
            checked = row.relative is not None
            cells.append(
                (
                    row.layer,
                    row.type,
                    row.blob,
                    "x".join(map(str, row.shape)),
                    f"{row.difference:.1e}" if checked else "-",
                    f"{row.relative:.1e}" if checked else "-",
                    row.oracle or "-",
                    row.status,
                )
            )
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(map(str.ljust, line, widths)).rstrip() for line in cells
        ]
        return "\n".join([*lines, *self.remarks()])

    def remarks(self) -> list[str]:
        """Lines under the table: notes, and those of rows, each once."""
        grouped: dict[str, list[Row]] = {}
        for row in self.rows:
            for words in (row.note, row.reason):
                if words:
                    grouped.setdefault(words, []).append(row)
        lines = list(self.notes)
        for words, rows in grouped.items():
            others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            blobs = f"{rows[0].blob} of {rows[0].layer!r}{others}"
            lines.append(f"{blobs}, {rows[0].oracle or 'unchecked'}: {words}")
        return [f"note: {line}" for line in lines]


def articled(oracle: str) -> str:
    """The name of an oracle in a sentence."""
    return f"the {oracle}" if oracle.islower() else oracle


def compare(
    values: np.ndarray, expected: np.ndarray
) -> tuple[float | None, float | None, str]:
    """Difference, the same relative to the range, and what is wrong.

    NaN, and numbers beyond 1e30 (Caffe's -FLT_MAX), must be at the same
    places; the range is that of the other numbers.
    """
    if values.shape != expected.shape:
        return None, None, f"the oracle's shape is {expected.shape}"
    with np.errstate(over="ignore"):
        expected = expected.astype(np.float64)
        single = expected.astype(np.float32)
    usual = np.abs(expected) < HUGE
    special = ~usual
    if not np.allclose(
        values[special], single[special], TOLERANCE, 0, equal_nan=True
    ):
        return None, None, "NaN or huge numbers at other places"
    if not usual.any():
        return 0.0, 0.0, ""
    values = values[usual].astype(np.float64)
    expected = expected[usual]
    difference = float(np.abs(values - expected).max())
    if not np.isfinite(difference):
        return None, None, "NaN or huge numbers at other places"
    # A narrow blob far from zero is no better than float32 can hold it.
    far = float(np.abs(expected).max()) * FAR
    size = max(float(np.ptp(expected)), LEAST_RANGE, far)
    return difference, difference / size, ""
