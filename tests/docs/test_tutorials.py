"""The tutorial from a folder of people to a served model, step by step.

The other tutorials are run by `test_code.py`; this one trains first.
"""

import cv2
import numpy as np
import pytest

from keras_hypersphere.tools.cli import build_parser, main
from keras_hypersphere.zoo import FaceEmbedder, images
from tests.docs.blocks import ROOT, commands, python_blocks
from tests.docs.sample_files import PEOPLE, write

pytestmark = pytest.mark.docs
PAGE = ROOT / "docs" / "tutorials" / "people.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six people, made of the two of the samples; photos to ask about."""
    monkeypatch.chdir(tmp_path)
    for name, file in PEOPLE.items():
        portrait = images.read(file)
        for kind in range(3):
            tinted = portrait * np.roll([1.0, 0.8, 0.6], kind)
            for number in range(3):
                dark = (tinted * (1 - 0.1 * number)).astype(np.uint8)
                write(f"people/{name} {kind}/{number}.png", dark)
    eileen, grace = (images.read(file) for file in PEOPLE.values())
    write("photos/collins.jpg", eileen)
    write("photos/hopper.jpg", grace)
    write("group.jpg", cv2.hconcat([eileen, grace[44:556]]))
    pairs = "collins.jpg collins.jpg 1\ncollins.jpg hopper.jpg 0\n"
    (tmp_path / "my-pairs.txt").write_text(5 * pairs)
    return tmp_path


def test_from_photos_to_a_served_model(folder, capsys):
    short = {"--epochs": "1", "--batch-size": "6"}
    for words in commands(PAGE):
        if "run/best" in words:
            # The block below asks the trained network the same.
            build_parser().parse_args(words)
            continue
        for option, value in short.items():
            if option in words:
                words[words.index(option) + 1] = value
        assert main(words) == 0, words
        assert capsys.readouterr().out, words
    assert (folder / "run" / "index.html").exists()
    [block] = python_blocks(PAGE)
    names = {}
    exec(compile(block.code, str(PAGE), "exec"), names)
    assert len(names["gallery"]) == 6
    trained, before = names["embedder"], FaceEmbedder.from_preset("sface")
    photo = "photos/hopper.jpg"
    moved = trained.compare(trained.embed(photo), before.embed(photo))
    assert 0 < moved < 0.5, "trained on, from the weights of sface"
