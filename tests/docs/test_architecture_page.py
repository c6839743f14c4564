"""The folder plan of docs/architecture.md is that of the tree.

A line of it begins with a folder or with files, indented below the folder that
they lie in; the rest of the line may name files of that folder too. `<name>`
stands for any.
"""

import re
from fnmatch import fnmatch
from pathlib import Path

from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "architecture.md"
TOPS = ("keras_hypersphere", "zoo", "tools", "tests", "docs")
NAME = re.compile(r"(?<![\w`./])([\w<>*/-]+\.(?:py|proto)|[\w<>*/-]+/)(?!\w)")


def plan():
    """What the plan names: pairs of a folder and a pattern below it."""
    [text] = re.findall(r"```\n(tools/ .*?)```", PAGE.read_text(), re.S)
    folders, found = {-1: ""}, []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        first = line.split()[0].rstrip(",")
        starts = NAME.fullmatch(first)
        if starts:
            folders = {i: f for i, f in folders.items() if i < indent}
        place = folders[max(i for i in folders if i < indent)]
        if starts and first.endswith("/") and "," not in line.split()[0]:
            found.append((place, first))
            place = folders[indent] = place + first
            line = line.replace(first, "", 1)
        found += [(place, name) for name in NAME.findall(line)]
    return [(place, re.sub(r"<\w+>", "*", name)) for place, name in found]


def test_the_plan_names_what_exists():
    # Environments and what was built are not looked through.
    tree = [
        str(path.relative_to(ROOT))
        for top in TOPS
        for path in (ROOT / top, *(ROOT / top).rglob("*"))
    ]
    missing = [
        place + pattern
        for place, pattern in plan()
        # A folder that is described may be of the whole tree.
        if not any(
            fnmatch(f"/{path.removeprefix(place)}", f"*/{pattern.rstrip('/')}")
            for path in tree
            if path.startswith(place)
        )
    ]
    assert not missing, f"docs/architecture.md names {sorted(missing)}"


def test_every_file_of_zoo_and_tools_is_in_the_plan():
    known = [(p, name) for p, name in plan() if not name.endswith("/")]
    files = [
        str(path.relative_to(ROOT))
        for top in ("tools", "zoo")
        for path in (ROOT / top).rglob("*.py")
        if path.name != "__init__.py"
    ]
    missing = [
        file
        for file in files
        if not any(
            file.startswith(place)
            and fnmatch(f"/{file.removeprefix(place)}", f"*/{name}")
            for place, name in known
        )
    ]
    assert not missing, f"docs/architecture.md lacks {sorted(missing)}"


def test_a_line_is_read_as_it_says():
    found = plan()
    assert ("tools/", "caffe/") in found
    assert ("tools/caffe/building/", "conversion_context.py") in found
    assert ("tools/caffe/", "archive.py") in found
    assert ("zoo/backbones/", "*.py") not in found
    assert Path(ROOT / "zoo" / "backbones").is_dir()
