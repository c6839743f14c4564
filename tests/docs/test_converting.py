"""The page on converting: its table and options are those of the code."""

import argparse
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.caffe_format import custom_layers
from keras_hypersphere.tools.caffe import layer_type as converters
from keras_hypersphere.tools.caffe import read_card, supported_layers
from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.commands import convert
from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
from tests.tools.commands.card_files import write_sphereface4

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "converting.md"
MTCNN = ROOT / ".." / "shared" / "conversion" / "mtcnn_det1"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]


def test_all_layers_are_told_of():
    for type in supported_layers():
        assert f"`{type}`" in TEXT


COMMANDS = [
    shlex.split(line)[1:]
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
]


def test_all_options_are_told_of():
    parser = argparse.ArgumentParser()
    convert.add_arguments(parser)
    words = {word for x in parser._actions for word in x.option_strings}
    told = set(re.findall(r"`(--[a-z-]+)", TEXT))
    known = {word for word in words if word.startswith("--")}
    # `-o` is in every command, and --help is everywhere.
    assert known - told == {"--help", "--output"}
    assert told <= known | {"--debug"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that the examples name; the sample is the network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(converters, "LAYER_TYPES", dict(converters.LAYER_TYPES))
    monkeypatch.setattr(custom_layers, "CUSTOM", dict(custom_layers.CUSTOM))
    shutil.copy(PROTOTXT, "deploy.prototxt")
    shutil.copy(CAFFEMODEL, "model.caffemodel")
    shutil.copy(ROOT / "zoo" / "samples" / "grace_hopper.jpg", "photo.jpg")
    return tmp_path


def write_training_file(folder):
    """In the style of SphereFace's: images of any size, and a head."""
    prototxt, caffemodel = write_sphereface4(folder)
    head, text = Path(prototxt).read_text().split("\n", 1)
    assert head.startswith("input:")
    Path("train_val.prototxt").write_text(
        'layer { name: "data" type: "ImageData" top: "data" top: "label" '
        "transform_param { mean_value: 127.5 scale: 0.0078125 mirror: true } "
        'image_data_param { source: "faces.txt" batch_size: 64 } }\n'
        f"{text}"
        'layer { name: "fc6" type: "MarginInnerProduct" bottom: "fc5" '
        'bottom: "label" top: "fc6" top: "lambda" '
        "margin_inner_product_param { num_output: 10 type: QUADRUPLE } }\n"
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc6" '
        'bottom: "label" top: "loss" }\n'
    )
    shutil.copy(caffemodel, "model.caffemodel")


@pytest.mark.docs
def test_the_commands(folder, capsys):
    first, second, third = COMMANDS
    assert main(first) == 0
    assert "20 of 20 blobs agree" in capsys.readouterr().out
    assert main(second) == 0
    assert "ip1      InnerProduct" in capsys.readouterr().out
    write_training_file(folder)
    faces = np.random.default_rng(0).integers(0, 256, (2, 112, 96, 3))
    np.save("faces.npy", (faces - 127.5) * 0.0078125)
    assert main(third) == 0
    out, err = capsys.readouterr()
    assert "9 of 9 blobs agree" in out and "outputs fc5" in out
    assert err == ""
    steps = read_card("model.keras")["preprocessing"]["data"]
    assert (steps["mean_value"], steps["scale"]) == ([127.5], 0.0078125)
    # As the page says, such a file needs the shape.
    place = third.index("--input-shape")
    assert main(third[:place] + third[place + 2 :]) == 1
    assert "--input-shape data=112x96x3" in capsys.readouterr().err


def run(code, **names):
    exec(compile(code, "converting.md", "exec"), names)


def block(words):
    (code,) = (code for code in PYTHON if words in code)
    return code


def test_mtcnn(folder, capsys):
    if not MTCNN.is_dir():
        pytest.skip("no ../shared with MTCNN's files")
    shutil.copy(MTCNN / "deploy.prototxt", "det1.prototxt")
    shutil.copy(MTCNN / "model.caffemodel", "det1.caffemodel")
    run(block("pnet"))
    assert capsys.readouterr().out.endswith("0.99\n")


def test_a_new_type(folder):
    run(block("register_reference"))
    from keras_hypersphere.tools.caffe import to_keras, verify

    Path("net.prototxt").write_text(
        'input: "x" input_shape { dim: 2 dim: 4 }\n'
        'layer { name: "n" type: "Softsign" bottom: "x" top: "y" }'
    )
    assert verify(to_keras("net.prototxt"), "net.prototxt").passed


def test_a_new_type_with_a_message_of_its_own(folder):
    run(block("imresize_param"))
    from keras_hypersphere.tools.caffe import to_keras

    Path("net.prototxt").write_text(
        'input: "x" input_shape { dim: 1 dim: 1 dim: 2 dim: 2 }\n'
        'layer { name: "r" type: "ImResize" bottom: "x" top: "y" '
        "imresize_param { factor: 3 mode: LINEAR } }"
    )
    layer = to_keras("net.prototxt").get_layer("r")
    assert (layer.size, layer.interpolation) == ((3, 3), "bilinear")
