"""What subcommands print with `--json`: one document, one schema for all.

    {"command": "align", "version": "0.1.0",
     "results": [{…}, …],
     "failures": [{"name": "a.jpg", "error": "…"}, …],
     "error": null, "advice": []}

`results` has an object for each thing that was done, `failures` one for each
that was not, and `error` says why the whole was not done; `advice` holds words
for the command line, of which each may help. The exit code is 0
if there is neither a failure nor an error. What is not known is `null`: so is
a number that is not finite.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from keras_hypersphere.version import __version__


class ManyFailures(ValueError):
    """Nothing was done; it holds why, for each thing.

    Args:
        message: The line for people.
        failures: Why, by name.
    """

    def __init__(self, message: str, failures: Mapping[str, str]) -> None:
        super().__init__(message)
        self.failures = dict(failures)


def document(
    command: str | None,
    results: Iterable[Mapping[str, Any]],
    failures: Mapping[str, str] | None = None,
    error: str | None = None,
    advice: Iterable[str] = (),
) -> str:
    """The text of a document.

    Args:
        command: The subcommand; None where the words name none.
        results: Plain values, arrays and paths of each thing that was done.
        failures: Why, by the name of each thing that was not done.
        error: Why nothing was done.
        advice: Words for the command line that may help.
    """
    whole = {
        "command": command,
        "version": __version__,
        "results": list(results),
        "failures": [
            {"name": name, "error": why}
            for name, why in (failures or {}).items()
        ],
        "error": error,
        "advice": list(advice),
    }
    return json.dumps(plain(whole), indent=2, allow_nan=False)


def error_document(command: str | None, error: BaseException, said: str) -> str:
    """The document of a subcommand that ended with an error.

    Args:
        command: The subcommand; None where the words name none.
        error: The error; its `failures` and `advice` say more.
        said: The line for people.
    """
    return document(
        command,
        [],
        getattr(error, "failures", None),
        said,
        getattr(error, "advice", ()),
    )


def one_line(error: Exception) -> str:
    """The error's own words on one line, its type where it has none."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    words = " ".join(str(error).split())
    expected = isinstance(error, (ValueError, OSError))
    return words if words and expected else f"{type(error).__name__}: {words}"


def plain(value: Any) -> Any:
    """Values as JSON has them."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
