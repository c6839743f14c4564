"""The one JSON document that a subcommand prints with `--json`."""

from collections.abc import Mapping
from typing import Any

from keras_hypersphere.version import __version__


def document(
    command: str, results: Any, failures: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Returns what is printed.

    Args:
        command: The subcommand.
        results: Plain values; None for what is not known.
        failures: Why, for each photo without a result.
    """
    return {
        "command": command,
        "version": __version__,
        "results": results,
        "failures": [
            {"photo": photo, "error": why}
            for photo, why in (failures or {}).items()
        ],
    }
