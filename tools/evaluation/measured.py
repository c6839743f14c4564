"""What a measurement hands back."""

import dataclasses
from collections.abc import Callable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Measured:
    """The figures of a measurement, and the page about it.

    Args:
        found: The figures, for JSON.
        draw: Writes the pictures of the report's page into the folder it is
            given, and returns the page.
    """

    found: dict
    draw: Callable[[Path], str]
