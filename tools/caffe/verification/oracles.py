"""Who says what a blob should be: OpenCV, and where it cannot the reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.tools.caffe.reference.run import run_reference
from keras_hypersphere.tools.caffe.verification.opencv import (
    OracleUnavailable,
    doubtful,
    run_opencv,
)
from keras_hypersphere.tools.caffe.verification.report import Row, compare

if TYPE_CHECKING:
    from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork

REFERENCE = "reference"


@dataclass
class Oracles:
    """OpenCV, and the reference for what OpenCV cannot say.

    Attributes:
        notes: What the user should know about the oracles.
    """

    network: "CaffeNetwork"
    feed: Mapping[str, np.ndarray]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.doubts = doubtful(self.network.graph)
        self.asked: tuple[dict, dict] | None = None
        try:
            self.opencv, self.name = run_opencv(self.network, self.feed)
        except OracleUnavailable as reason:
            self.opencv, self.name = {}, "OpenCV"
            self.notes.append(str(reason))

    def reference(self) -> tuple[dict[int, np.ndarray], dict[int, str]]:
        """Values of the reference, and reasons why some are missing."""
        if self.asked is None:
            self.asked = run_reference(self.network, self.feed)
        return self.asked

    def judge(
        self, name: tuple[str, str, str], number: int, mine: np.ndarray
    ) -> Row:
        """The row of one value of the model."""
        theirs = None
        if number not in self.doubts:
            theirs = self.opencv.get(number)
        found = None
        if theirs is not None:
            found = compared(name, mine, theirs, self.name)
            if found.status == "ok":
                return found
        values, reasons = self.reference()
        note = self.doubts.get(number, "") if self.opencv else ""
        if number not in values:
            return found or Row(
                *name, mine.shape, reason=reasons[number], note=note
            )
        if found is not None:
            note = f"{self.name} gives other numbers"
        row = compared(name, mine, values[number], REFERENCE, note)
        # Two against one: OpenCV has a fault that is not known yet. Where
        # the model stands alone, it is the model that is wrong.
        return row if found is None or row.status == "ok" else found


def compared(
    name: tuple[str, str, str],
    mine: np.ndarray,
    theirs: np.ndarray,
    oracle: str,
    note: str = "",
) -> Row:
    """A row that compares two arrays; a number may have an axis or none."""
    if mine.size == np.size(theirs) == 1:
        theirs = np.reshape(theirs, mine.shape)
    if not np.isfinite(theirs).any():
        reason = f"{oracle} has no finite number here"
        return Row(*name, mine.shape, reason=reason, note=note)
    difference, relative, reason = compare(mine, theirs)
    return Row(*name, mine.shape, difference, relative, oracle, reason, note)
