"""What a measurement hands back."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Measured:
    """The figures of a measurement, and the page about it.

    Args:
        found: The figures, for JSON.
        draw: Returns the report's page, as HTML.
    """

    found: dict
    draw: Callable[[], str]
