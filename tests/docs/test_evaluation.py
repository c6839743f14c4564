"""The example of the guide to evaluation that runs as it stands."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "evaluation.md"


def test_angular_fisher_score(capsys):
    part = GUIDE.read_text().split("## Angular Fisher score")[1]
    [code] = re.findall(
        r"^```python\n(.*?)```", part.split("\n## ")[0], re.M | re.S
    )
    exec(compile(code, GUIDE.name, "exec"), {})
    said = re.findall(r"# (\d+\.\d+)$", code, re.MULTILINE)
    assert capsys.readouterr().out.split() == said and len(said) == 2
