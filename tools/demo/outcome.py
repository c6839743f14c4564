"""What a job of the demo found."""

import dataclasses
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The result of one job.

    Args:
        passed: Whether the job showed what it claims.
        files: The files that it wrote.
        figures: What it measured, ready for JSON.
    """

    passed: bool
    files: tuple[Path, ...]
    figures: dict[str, Any]
