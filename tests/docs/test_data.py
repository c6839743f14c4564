"""The page on data runs as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "data.md").read_text()
CODE = re.findall(r"```python\n(import .*?)```", PAGE, re.DOTALL)
SAID = {
    0: "2 photos of 2 people in",
    1: "2 photos of 2 people in",
    2: "2 2 (8, 112, 112, 3)",
    3: "(112, 112, 3)",
    4: "1.0",
}


def test_there_are_examples():
    assert len(CODE) == len(SAID)


@pytest.mark.parametrize("index", SAID)
def test_examples_run(index, capsys):
    exec(compile(CODE[index], "data.md", "exec"), {"__name__": "data"})
    assert SAID[index] in capsys.readouterr().out
