"""Downloads one package of PyPI with pip, and nothing that it needs."""

import subprocess
import sys
from pathlib import Path

SUFFIXES = {"sdist": ".tar.gz", "wheel": ".whl"}


def download(requirement: str, folder: Path, kind: str) -> Path:
    """Downloads a package.

    Args:
        requirement: `package==version`.
        folder: An empty folder, for the file.
        kind: `"sdist"` or `"wheel"`.

    Returns:
        The path of the file.

    Raises:
        ValueError: If pip cannot download it.
    """
    other = {"sdist": "--no-binary", "wheel": "--only-binary"}[kind]
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *(other, ":all:", "--dest", str(folder), requirement),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["pip said nothing"]
        raise ValueError(
            f"pip could not download {requirement}: {said[-1]}. Download "
            "it yourself and name the file."
        )
    return next(folder.glob(f"*{SUFFIXES[kind]}"))
