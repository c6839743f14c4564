"""What `verify` found, blob by blob."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# Of a blob's range: Caffe's own builds differ by some 1e-6.
TOLERANCE = 1e-4
HUGE = 1e30
# Float32 has no smaller numbers of full precision.
LEAST_RANGE = float(np.finfo(np.float32).tiny)
# With the tolerance, some ten roundings of a float32.
FAR = 1e-2


# Layer, type and blob, as Caffe names them.
Name = tuple[str, str, str]


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
        left_out: Blobs that the model does not have since no output needs
            them, such as a part of a Slice that nothing reads. They have no
            row.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

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
            "left_out": list(self.left_out),
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
        if self.left_out:
            blobs = ", ".join(self.left_out)
            lines.append(f"left out, since no output needs them: {blobs}")
        for words, rows in grouped.items():
            others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            blobs = f"{rows[0].blob} of {rows[0].layer!r}{others}"
            lines.append(f"{blobs}, {rows[0].oracle or 'unchecked'}: {words}")
        return [f"note: {line}" for line in lines]


def articled(oracle: str) -> str:
    """The name of an oracle in a sentence."""
    return f"the {oracle}" if oracle.islower() else oracle


def compared(
    name: Name,
    mine: np.ndarray,
    theirs: np.ndarray,
    oracle: str,
    note: str = "",
    allowed: np.ndarray | float = 0.0,
) -> Row:
    """A row that compares two arrays; a number may have an axis or none."""
    if mine.size == np.size(theirs) == 1:
        theirs = np.reshape(theirs, mine.shape)
        allowed = np.reshape(allowed, mine.shape)
    if not np.isfinite(theirs).any():
        reason = f"{oracle} has no finite number here"
        return Row(*name, mine.shape, reason=reason, note=note)
    difference, relative, reason = compare(mine, theirs, allowed)
    return Row(*name, mine.shape, difference, relative, oracle, reason, note)


def compare(
    values: np.ndarray,
    expected: np.ndarray,
    allowed: np.ndarray | float = 0.0,
) -> tuple[float | None, float | None, str]:
    """Difference, the same relative to the range, and what is wrong.

    NaN, and numbers beyond 1e30 (Caffe's -FLT_MAX), must be at the same
    places; the range is that of the other numbers.

    Args:
        values: The model's.
        expected: What they should be.
        allowed: What each number may be off by, and still does not differ.
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
    off = np.abs(values[usual].astype(np.float64) - expected[usual])
    if not np.isfinite(off).all():
        return None, None, "NaN or huge numbers at other places"
    allowed = np.broadcast_to(allowed, expected.shape)[usual]
    difference = float(np.maximum(off - allowed, 0).max())
    return difference, difference / size_of(expected), ""


def size_of(expected: np.ndarray) -> float:
    """The range of a blob, without NaN and huge numbers.

    A narrow blob far from zero is no better than float32 can hold it.
    """
    usual = expected[np.abs(expected) < HUGE].astype(np.float64)
    if not usual.size:
        return LEAST_RANGE
    far = float(np.abs(usual).max()) * FAR
    return max(float(np.ptp(usual)), LEAST_RANGE, far)
