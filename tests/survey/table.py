"""Outcomes as a table: shares, and the reasons by number."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

STAGES = ("reading", "graph", "types", "conversion", "verification", "died")
# A reason is one line of the table.
LONGEST = 160


def normal(reason: str) -> str:
    """A reason without what is one network's own: names and numbers."""
    words = re.sub(r"^layer '.*?' (?=\()", "", reason)
    # Which type is not supported is the reason itself.
    words = re.sub(r"(the type )'(\w+)'", r"\1<\2>", words)
    words = re.sub(r"supported are .*?; ", "", words)
    words = re.sub(r"line \d+(, column \d+)?: ?", "", words)
    words = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", words)
    words = re.sub(r"(?<![\w<])-?\d+(\.\d+)?(e[-+]?\d+)?", "N", words)
    words = re.sub(r"N((, |x)N)+", "N, …", words)
    return words if len(words) <= LONGEST else words[:LONGEST] + " …"


def summarize(
    outcomes: dict[Path, dict[str, Any]], others: dict[str, int], folder: Path
) -> dict[str, Any]:
    """The table as numbers: shares, and the reasons with an example each."""
    done = [o for o in outcomes.values() if o["stage"] not in STAGES]
    advice = [len(outcome["advice"]) for outcome in done]
    reasons: dict[tuple[str, str], list[Path]] = {}
    for file, outcome in outcomes.items():
        if outcome["stage"] in STAGES:
            key = (outcome["stage"], normal(outcome["reason"]))
            reasons.setdefault(key, []).append(file)
    ordered = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    return {
        "networks": len(outcomes),
        "no_network": others,
        "as_they_are": advice.count(0),
        "with_one_option": advice.count(1),
        "with_more_options": len(advice) - advice.count(0) - advice.count(1),
        "options": options_of(done),
        "reasons": [
            {
                "stage": stage,
                "reason": reason,
                "count": len(files),
                "example": str(files[0].relative_to(folder)),
            }
            for (stage, reason), files in ordered
        ],
        "collections": {
            name: [
                sum(
                    o["stage"] not in STAGES and len(o["advice"]) < 2
                    for o in part
                ),
                len(part),
            ]
            for name, part in by_collection(outcomes, folder).items()
        },
    }


def options_of(done: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many networks need which option, of those that need one."""
    found: dict[str, int] = {}
    for outcome in done:
        if len(outcome["advice"]) == 1:
            (option,) = outcome["advice"]
            found[option] = found.get(option, 0) + 1
    return found


def by_collection(
    outcomes: dict[Path, dict[str, Any]], folder: Path
) -> dict[str, list[dict[str, Any]]]:
    """The outcomes by the folder's folders."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file, outcome in outcomes.items():
        parts = file.relative_to(folder).parts
        name = parts[0] if len(parts) > 1 else "."
        found.setdefault(name, []).append(outcome)
    return found


def lines(found: dict[str, Any], verb: str) -> Iterator[str]:
    """The table in words."""
    count = found["networks"]
    one = found["as_they_are"] + found["with_one_option"]
    others = ", ".join(f"{n} {kind}" for kind, n in found["no_network"].items())
    yield f"{count} distinct networks; no networks: {others or 'none'}"
    for words, number in (
        (f"{verb} as they are", found["as_they_are"]),
        (f"{verb} with the option that their error advises", one),
        (
            f"{verb} with more than one, one after the other",
            one + found["with_more_options"],
        ),
    ):
        yield f"{number:5} ({number / max(count, 1):6.1%}) {words}"
    for option, number in found["options"].items():
        yield f"      {number} by {option}"
    yield ""
    for row in found["reasons"]:
        yield f"{row['count']:5} {row['stage']}: {row['reason']}"
        yield f"      such as {row['example']}"
