"""The networks below a folder, each text once."""

import hashlib
import re
from pathlib import Path

SUFFIXES = {".prototxt", ".pt", ".txt", ".pbtxt"}
# Larger texts are lists of files.
MOST_BYTES = 2_000_000
LAYERS = re.compile(r"^\s*layers?\s*:?\s*[{<]", re.MULTILINE)
SOLVER = re.compile(
    r"^\s*(base_lr|lr_policy|(train_|test_)?net)\s*:", re.MULTILINE
)
LABELS = re.compile(r"^\s*item\s*:?\s*[{<]", re.MULTILINE)
# A file of this name that is no network is worth a line in the table.
NAMED = {".prototxt", ".pt"}


def find_networks(folder: Path) -> tuple[list[Path], dict[str, int]]:
    """The distinct networks, sorted, and how many other files there are.

    A network is text with layers, under a name that prototxts have. Texts
    that differ in blanks at their ends only are the same.
    """
    found: dict[str, Path] = {}
    others: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        if path.stat().st_size > MOST_BYTES:
            continue
        text = path.read_bytes().decode(errors="replace")
        kind = kind_of(text)
        if kind != "network":
            if path.suffix in NAMED:
                others[kind] = others.get(kind, 0) + 1
            continue
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        key = hashlib.sha256(lines.strip().encode()).hexdigest()
        found.setdefault(key, path)
    return sorted(found.values()), others


def kind_of(text: str) -> str:
    """What a text is, by its fields."""
    plain = re.sub(r"#.*", "", text)
    if LAYERS.search(plain):
        return "network"
    if SOLVER.search(plain):
        return "solver"
    if LABELS.search(plain):
        return "label map"
    return "other text"
