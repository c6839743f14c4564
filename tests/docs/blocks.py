"""The code blocks of the pages, and which block each continues.

A block runs when it is copied alone, or the line above it says what it
continues, in one of two forms:

    *Continues the block above.*
    *Continues "Replicas of one process".*

The second names a heading of the page: its last block, with what that one
continues in turn.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONTINUES = re.compile(r'^\*Continues (the block above|"(.+)")\.\*$')
# A comment behind `print` is what appears.
PRINTED = re.compile(r"^\s*(?:print\(.*\)|\))  # (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One block of Python.

    Attributes:
        page: path of the page.
        line: number of its first line, from 1.
        section: the heading above it.
        code: its lines.
        before: the block that it continues, or None.
    """

    page: Path
    line: int
    section: str
    code: str
    before: "Block | None"

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def chain(self) -> "list[Block]":
        """What it continues, from the first block on, and itself."""
        return [*(self.before.chain() if self.before else []), self]


def python_blocks(page: Path) -> list[Block]:
    """The blocks of a page, from top to bottom."""
    found: list[Block] = []
    section, said, lines = "", "", iter(enumerate(page.read_text().split("\n")))
    for number, line in lines:
        if line.startswith("```"):
            body = []
            for _, inner in lines:
                if inner == "```":
                    break
                body.append(inner)
            if line == "```python":
                before = parent(said, found, f"{page.name}:{number + 1}")
                code = "\n".join(body) + "\n"
                found.append(Block(page, number + 2, section, code, before))
        elif re.match("#+ ", line):
            section = line.lstrip("# ")
        said = line or said
    return found


def parent(said: str, found: list[Block], place: str) -> Block | None:
    """The block that a line says is continued."""
    match = CONTINUES.match(said)
    if match is None:
        assert "*Continues" not in said, f"{place}: {said}"
        return None
    heading = match[2]
    known = [one for one in found if heading in (None, one.section)]
    assert known, f"{place}: no block in front of it is under {heading!r}"
    return known[-1]


def whole_chains(blocks: list[Block]) -> list[Block]:
    """The blocks that no other continues: their chains hold all blocks."""
    continued = [one.before for one in blocks]
    return [one for one in blocks if one not in continued]


def commands(page: Path) -> list[list[str]]:
    """The words of each `keras-hypersphere` command of a page."""
    text = page.read_text().replace("\\\n", " ")
    lines = re.findall(r"^ *(?:\$ )?(keras-hypersphere .*)$", text, re.M)
    return [shlex.split(line, comments=True)[1:] for line in lines]
