"""A site of several versions."""

import importlib.util
import json
import subprocess

import pytest

from docs.versions import build

pytestmark = [
    pytest.mark.docs,
    pytest.mark.skipif(
        importlib.util.find_spec("sphinx") is None, reason="needs Sphinx"
    ),
]


@pytest.fixture
def repository(tmp_path):
    """Two versions; what is at hand is of none of them."""
    folder = tmp_path / "repository"
    (folder / "docs").mkdir(parents=True)

    def git(*words):
        own = ("-c", "user.name=A", "-c", "user.email=a@b.c")
        command = ["git", *own, *words]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    git("init", "--initial-branch", "main")
    conf = folder / "docs" / "conf.py"
    conf.write_text("import os, own\nproject = os.environ['DOCS_SITE']\n")
    for name in ("one", "two"):
        (folder / "own.py").write_text("")
        (folder / "docs" / "index.rst").write_text(f"Page {name}\n========\n")
        git("add", ".")
        git("commit", "-m", name)
        git("tag", f"v/{name}")
    (folder / "docs" / "index.rst").write_text("Page three\n==========\n")
    return folder


def test_each_version_is_of_its_own_files(repository, tmp_path):
    site = tmp_path / "site"
    build(repository, ["v/two", "v/one"], site)
    for name in ("one", "two"):
        text = (site / f"v-{name}" / "index.html").read_text()
        assert f"Page {name}" in text
    assert json.loads((site / "versions.json").read_text()) == [
        "v-two",
        "v-one",
    ]
    assert "url=v-two/" in (site / "index.html").read_text()


def test_an_unknown_version_is_an_error(repository, tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        build(repository, ["v9"], tmp_path / "site")
