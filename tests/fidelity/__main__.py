"""`python -m tests.fidelity`: writes docs/fidelity.md.

Replays every recording on each backend that is installed, a process each.
"""

import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fidelity.ledger import Verdict, judge
from tests.fidelity.recording import load, names
from tests.fidelity.report import PAGE, TITLES, page
from tests.fidelity.whole_networks import find_section, replace_section

ROOT = Path(__file__).parents[2]


def verdicts_on(backend: str) -> list[Verdict]:
    """The ledger of a process that runs on a backend."""
    command = [sys.executable, "-m", "tests.fidelity", "--verdicts"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "verdicts.json"
        subprocess.run(
            [*command, str(file)],
            env={**os.environ, "KERAS_BACKEND": backend},
            cwd=ROOT,
            check=True,
        )
        return [Verdict(*row) for row in json.loads(file.read_text())]


def judged(name: str) -> Verdict:
    """The verdict; what a replay raises is a failure with a name."""
    try:
        return judge(name)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        return Verdict(name, load(name).group, "failed", math.inf, why)


def main() -> int:
    """Replays, and writes the page if nothing failed."""
    if sys.argv[1:2] == ["--verdicts"]:
        found = [judged(name) for name in names()]
        Path(sys.argv[2]).write_text(json.dumps(found))
        return 0
    runs = {}
    for backend in TITLES:
        if importlib.util.find_spec(backend):
            print(f"replaying on {backend}", file=sys.stderr)
            runs[backend] = verdicts_on(backend)
    failed = [
        f"{backend}: {v.name}: {v.why}"
        for backend, verdicts in runs.items()
        for v in verdicts
        if v.outcome == "failed"
    ]
    if failed:
        print("\n".join(failed), file=sys.stderr)
        print(f"{PAGE.name} is left as it was", file=sys.stderr)
        return 1
    versions = [f"Python {platform.python_version()}"] + [
        f"{title} {importlib.metadata.version(name)}"
        for name, title in {"keras": "Keras", **TITLES}.items()
        if name == "keras" or name in runs
    ]
    networks = find_section(PAGE.read_text())
    PAGE.write_text(replace_section(page(runs, versions), networks))
    print(f"{PAGE.relative_to(ROOT)} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
