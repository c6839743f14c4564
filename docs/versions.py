"""The guides of several versions as one site, with a switch between them.

    python -m docs.versions v0.1.0 main -o build/site

Each version is built from its own files, as `git archive` gives them, by the
Python that runs this: what it documents is what it says. The first one named
is where the site's front page leads.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

LIST = "versions.json"
FRONT = '<!doctype html><meta http-equiv="refresh" content="0; url={}/">\n'


def build(repository: Path, names: Sequence[str], site: Path) -> None:
    """Builds the site.

    Args:
        repository: A clone.
        names: Tags or branches, the one to show first.
        site: The folder to write: a folder for each name, the list that the
            switch reads, and the front page.

    Raises:
        subprocess.CalledProcessError: If a name is unknown, or its guides
            cannot be built; the reason is on stderr.
    """
    folders = [name.replace("/", "-") for name in names]
    for name, folder in zip(names, folders, strict=True):
        with tempfile.TemporaryDirectory() as source:
            archive = subprocess.run(
                ["git", "archive", name],
                cwd=repository,
                check=True,
                stdout=subprocess.PIPE,
            )
            subprocess.run(
                ["tar", "-x", "-C", source], input=archive.stdout, check=True
            )
            target = (site / folder).resolve()
            subprocess.run(
                [sys.executable, "-m", "sphinx", "--quiet", "docs", target],
                cwd=source,
                # For conf.py; and what is imported is of that version.
                env={**os.environ, "DOCS_SITE": "1", "PYTHONPATH": source},
                check=True,
            )
    (site / LIST).write_text(json.dumps(folders) + "\n")
    (site / "index.html").write_text(FRONT.format(folders[0]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", help="tags or branches")
    parser.add_argument("-o", type=Path, default=Path("build/site"))
    arguments = parser.parse_args()
    build(Path(), arguments.names, arguments.o)
    print(f"open {arguments.o / 'index.html'}")
