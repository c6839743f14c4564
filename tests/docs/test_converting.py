"""The page on converting: its table is that of the code, its examples run."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import registry as emitters
from keras_hypersphere.tools.caffe import supported_layers
from keras_hypersphere.tools.caffe.reference import registry as references
from keras_hypersphere.tools.cli import build_parser
from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "converting.md"
MTCNN = ROOT / ".." / "shared" / "conversion" / "mtcnn_det1"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]


def test_all_layers_are_told_of():
    for type in supported_layers():
        assert f"`{type}`" in TEXT


def test_the_commands_are_words_that_are_known():
    lines = [
        line
        for language, text in BLOCKS
        if language == "sh"
        for line in text.splitlines()
    ]
    assert len(lines) == 3
    for line in lines:
        build_parser().parse_args(shlex.split(line)[1:])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that the examples name; the sample is the network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(emitters, "EMITTERS", dict(emitters.EMITTERS))
    monkeypatch.setattr(references, "REFERENCES", dict(references.REFERENCES))
    shutil.copy(PROTOTXT, "deploy.prototxt")
    shutil.copy(CAFFEMODEL, "model.caffemodel")
    shutil.copy(ROOT / "zoo" / "samples" / "grace_hopper.jpg", "photo.jpg")
    return tmp_path


def run(code, **names):
    exec(compile(code, "converting.md", "exec"), names)


def block(words):
    (code,) = (code for code in PYTHON if words in code)
    return code


def test_conversion_verification_and_card(folder, capsys):
    run(block("model.save("))
    images = np.random.default_rng(0).normal(size=(2, 28, 28, 1))
    run(block("report.oracles"), images=images)
    assert "20 of 20 blobs agree" in capsys.readouterr().out
    run(block("write_card("))
    assert capsys.readouterr().out == "17575744\n"


def test_mtcnn(folder, capsys):
    if not MTCNN.is_dir():
        pytest.skip("no ../shared with MTCNN's files")
    shutil.copy(MTCNN / "deploy.prototxt", "det1.prototxt")
    shutil.copy(MTCNN / "model.caffemodel", "det1.caffemodel")
    run(block("pnet"))
    assert capsys.readouterr().out.endswith("0.99\n")


def test_training(folder, capsys):
    run(block("read_solver("))
    assert capsys.readouterr().out == "(2, 32)\n"


def test_a_new_type(folder):
    run(block("register_layer"))
    from keras_hypersphere.tools.caffe import to_keras, verify

    Path("net.prototxt").write_text(
        'input: "x" input_shape { dim: 2 dim: 4 }\n'
        'layer { name: "n" type: "Softsign" bottom: "x" top: "y" }'
    )
    assert verify(to_keras("net.prototxt"), "net.prototxt").passed


def test_every_example_is_run():
    assert len(PYTHON) == 6
