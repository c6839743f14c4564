"""Every block of Python of README and docs runs, as `tests/docs/blocks.py`
says, and every command is one; `make docs` runs this.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keras_hypersphere.caffe_format import custom_layers
from keras_hypersphere.tools.caffe import layer_type
from keras_hypersphere.tools.cli import build_parser, main
from tests.docs import sample_files
from tests.docs.blocks import (
    PAGES,
    PRINTED,
    ROOT,
    commands,
    python_blocks,
    whole_chains,
)

pytestmark = pytest.mark.docs
CHAINS = [
    block.chain()
    for page in PAGES
    for block in whole_chains(python_blocks(page))
]
# What a page may ask for, and how it is installed.
OPTIONAL = {
    "ai_edge_litert": "keras-hypersphere[runtime]",
    "apache_beam": "apache-beam",
    "fastapi": "fastapi python-multipart",
    "huggingface_hub": "keras-hypersphere[hub]",
    "jax": "keras-hypersphere[jax]",
    "lmdb": "lmdb",
    "onnxruntime": "keras-hypersphere[runtime]",
    "openvino": "keras-hypersphere[runtime]",
    "pyarrow": "keras-hypersphere[parquet]",
    "pyspark": "pyspark, and Java",
    "ray": "keras-hypersphere[ray]",
    "tensorflow_addons": "tensorflow-addons next to Keras 2",
    "torch": "keras-hypersphere[torch]",
}
# Files that a block names and that are not here: why.
NOT_HERE = {
    "det1.caffemodel": "MTCNN's files: see tests/docs/test_converting.py",
    "run/best": "a training: tests/docs/test_tutorials.py has an epoch",
    "run/cache/faces.rec": "minutes: tests/docs/test_training.py has an epoch",
}
# Where a backend, workers or replicas are chosen, before anything else.
PROCESS = re.compile(
    "__main__|KERAS_BACKEND|MultiWorkerMirrored|import ray|pyspark"
)
# The file that a block is to be saved as.
FILE = re.compile(r"# (\w+)\.py\n")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """The files that the pages name."""
    folder = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        sample_files.make()
    return folder


@pytest.fixture
def folder(samples, tmp_path, monkeypatch):
    """A copy of them; nothing of what a page does is kept."""
    shutil.copytree(samples, tmp_path, symlinks=True, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for module, table in (
        (layer_type, "LAYER_TYPES"),
        (custom_layers, "CUSTOM"),
    ):
        monkeypatch.setattr(module, table, dict(getattr(module, table)))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if (tmp_path / f"{name}.py").is_file():
            del sys.modules[name]


def missing(code):
    """How to install a package that the code imports and that is absent."""
    names = re.findall(r"^\s*(?:import|from) (\w+)", code, re.MULTILINE)
    if 'KERAS_BACKEND"] = "jax"' in code:
        names.append("jax")
    return [
        how
        for name, how in OPTIONAL.items()
        if name in names and importlib.util.find_spec(name) is None
    ]


def run_in_a_process(chain):
    """What the blocks print."""
    Path("program.py").write_text("\n".join(one.code for one in chain))
    done = subprocess.run(
        [sys.executable, "program.py"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_here(chain):
    """Each in the names of those before it; errors name the page's line."""
    names = {"__name__": "page"}
    for block in chain:
        if match := FILE.match(block.code):
            Path(f"{match[1]}.py").write_text(block.code)
        code = "\n" * (block.line - 1) + block.code
        exec(compile(code, str(block.page), "exec"), names)


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: str(chain[-1]))
def test_python(chain, folder, capsys):
    code = "\n".join(one.code for one in chain)
    if how := missing(code):
        pytest.skip(f"needs `pip install {how[0]}`")
    for name, why in NOT_HERE.items():
        if name in code:
            pytest.skip(why)
    if PROCESS.search(code):
        printed = run_in_a_process(chain)
    else:
        run_here(chain)
        printed = capsys.readouterr().out
    place = 0
    for said in PRINTED.findall(code):
        place = printed.find(said, place)
        assert place >= 0, f"{said} is not printed next:\n{printed}"
        place += len(said)


# What takes long, or data sets and weights that are not here: only parsed.
ELSEWHERE = re.compile(
    "^train |--engine ray|run/best|PEOPLE|lfw|sphereface|frame_images|"
    "facescrub|train_val"
)


@pytest.mark.parametrize("page", filter(commands, PAGES), ids=lambda p: p.stem)
def test_commands(page, folder, capsys):
    """From top to bottom of the page."""
    for words in commands(page):
        build_parser().parse_args(words)
        if not ELSEWHERE.search(" ".join(words)):
            # Two of the four in photos/ show no face.
            failing = words[:2] in (
                ["cluster", "photos/"],
                ["embed", "photos/"],
            )
            assert main(words) == int(failing), words
            assert capsys.readouterr().out, words
