"""Presets of the Hugging Face Hub, from a cache without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_hypersphere.zoo.loading.hub import fetch_preset
from keras_hypersphere.zoo.loading.preset import load_preset
from tests.zoo.loading.small_preset import lambda_network, write_preset

ROOT = Path(__file__).parents[3]
# What huggingface_hub reads from the environment, it reads when it is
# imported: so all handles are tried in one process of their own.
SCRIPT = """
import json, sys
import numpy as np
from keras_hypersphere.zoo.loading.preset import load_preset
from tests.zoo.loading.small_preset import embed

for handle in sys.argv[1:]:
    try:
        model, card = load_preset(handle)
        said = [card.name, embed(model).tolist()]
    except Exception as error:
        said = [type(error).__name__, str(error)]
    print("\\n" + json.dumps(said))
"""


class Hub:
    """A cache as huggingface_hub makes it: blobs, refs, snapshots."""

    def __init__(self, home):
        self.hub = home / "hub"

    def add(self, repo, revision, commit, files):
        """Files are paths by their name in the repository."""
        root = self.hub / f"models--{repo.replace('/', '--')}"
        for folder in ("refs", "blobs", f"snapshots/{commit}"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "refs" / revision).parent.mkdir(exist_ok=True)
        (root / "refs" / revision).write_text(commit)
        for name, path in files.items():
            blob = root / "blobs" / f"{commit[:4]}{name.replace('/', '-')}"
            blob.write_bytes(path.read_bytes())
            link = root / "snapshots" / commit / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(blob, link.parent))


def files_of(folder, within=""):
    return {
        f"{within}{name}": folder / name
        for name in ("card.json", "model.keras")
    }


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each handle gave, and the embeddings that are right."""
    home = tmp_path_factory.mktemp("home")
    folders = {
        name: tmp_path_factory.mktemp(name)
        for name in ("main", "v1", "within", "cut", "code")
    }
    right = {
        name: write_preset(folders[name], seed=seed, name=name).tolist()
        for seed, name in enumerate(("main", "v1", "within", "cut"))
    }
    write_preset(folders["code"], model=lambda_network())
    weights = folders["cut"] / "model.keras"
    weights.write_bytes(weights.read_bytes()[:-10])
    hub = Hub(home)
    inner = files_of(folders["within"], "faces/small/")
    hub.add("me/net", "main", "1" * 40, {**files_of(folders["main"]), **inner})
    hub.add("me/net", "v1", "2" * 40, files_of(folders["v1"]))
    hub.add("me/net", "pr/7", "2" * 40, {})
    hub.add("me/cut", "main", "3" * 40, files_of(folders["cut"]))
    hub.add("me/code", "main", "4" * 40, files_of(folders["code"]))
    card = {"card.json": folders["main"] / "card.json"}
    hub.add("me/half", "main", "5" * 40, card)
    hub.add("me/text", "main", "6" * 40, {"README.md": card["card.json"]})
    handles = [
        "hf://me/net",
        "hf://me/net/",
        "hf://me/net@v1",
        "hf://me/net@pr%2F7",
        f"hf://me/net@{'2' * 40}",
        "hf://me/net/faces/small",
        "hf://me/net@main/faces/small/",
        "hf://me/cut",
        "hf://me/code",
        "hf://me/half",
        "hf://me/text",
        "hf://me/net@v2",
        "hf://me/nothing",
        "hf://me/net/other",
    ]
    environment = {
        **os.environ,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *handles],
        env=environment,
        cwd=ROOT,
        text=True,
        capture_output=True,
    )
    lines = [x for x in done.stdout.splitlines() if x.startswith("[")]
    assert len(lines) == len(handles), done.stderr
    return dict(zip(handles, map(json.loads, lines), strict=True)), right


@pytest.mark.parametrize(
    ("handle", "name"),
    [
        ("hf://me/net", "main"),
        ("hf://me/net/", "main"),
        ("hf://me/net@v1", "v1"),
        ("hf://me/net@pr%2F7", "v1"),
        (f"hf://me/net@{'2' * 40}", "v1"),
        ("hf://me/net/faces/small", "within"),
        ("hf://me/net@main/faces/small/", "within"),
    ],
)
def test_repositories_revisions_and_folders(answers, handle, name):
    found, right = answers
    assert found[handle][0] == name
    assert found[handle][1] == pytest.approx(right[name], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(
    ("handle", "kind", "words"),
    [
        ("hf://me/cut", "ValueError", "is damaged or another file"),
        ("hf://me/code", "ValueError", "cannot be loaded"),
        ("hf://me/half", "FileNotFoundError", "has no file 'model.keras'"),
        ("hf://me/text", "FileNotFoundError", "has no file 'card.json'"),
        ("hf://me/net@v2", "FileNotFoundError", "could not be fetched"),
        ("hf://me/nothing", "FileNotFoundError", "could not be fetched"),
        ("hf://me/net/other", "FileNotFoundError", "'other/card.json'"),
    ],
)
def test_what_is_not_there(answers, handle, kind, words):
    found, message = answers[0][handle]
    assert found == kind and words in message and "\n" not in message
    if kind == "FileNotFoundError":
        assert f"'{handle}'" in message


@pytest.mark.parametrize(
    "handle",
    ["hf://", "hf://me", "hf://me/", "hf:///net", "hf://a/b@", "hf://a/b/../c"],
)
def test_handles_of_another_form(handle):
    with pytest.raises(ValueError, match=r"must be hf://owner/name.*Received"):
        load_preset(handle)


def test_without_huggingface_hub(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        ImportError, match=r"install 'keras-hypersphere\[hub\]'"
    ):
        fetch_preset("hf://me/net", "card.json")


def test_only_card_and_weights_are_asked_for(monkeypatch, tmp_path):
    """What huggingface_hub is called with."""
    import huggingface_hub

    write_preset(tmp_path)
    asked = []

    def snapshot_download(repo, **options):
        asked.append((repo, options))
        snapshot = tmp_path / "snapshots" / ("7" * 40)
        (snapshot / "faces").mkdir(parents=True, exist_ok=True)
        for name, path in files_of(tmp_path, "faces/").items():
            (snapshot / name).write_bytes(path.read_bytes())
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    folder = fetch_preset("hf://me/net@v1/faces", "card.json")
    assert folder.name == "faces"
    assert asked == [
        ("me/net", {"revision": "v1", "allow_patterns": ["faces/card.json"]}),
        # The same commit, whatever is pushed meanwhile.
        (
            "me/net",
            {"revision": "7" * 40, "allow_patterns": ["faces/model.keras"]},
        ),
    ]
