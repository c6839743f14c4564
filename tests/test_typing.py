"""What a type checker knows of the package, as a user's script sees it."""

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy comes with the `dev` extra")
# Of what `make lint` says of the tree, and half a minute.
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "addons.layers",
    "caffe_format",
    "callbacks",
    "constraints",
    "data",
    "evaluation",
    "initializers",
    "layers",
    "losses",
    "mining",
    "models",
    "optimizers",
    "schedules",
    "testing",
    "tools.caffe",
    "zoo",
    "zoo.alignment",
)
RIGHT = """
import numpy as np
import keras_hypersphere as kh

head = kh.layers.ArcFace(4, margin=0.4)
annealing: kh.schedules.LambdaAnnealing = kh.schedules.LambdaAnnealing()
loss = kh.losses.TripletLoss(mining="hard")
embedder = kh.zoo.FaceEmbedder.from_preset("dlib-resnet")
vectors: np.ndarray = embedder.embed(["a.jpg", "b.jpg"])
names: list[str] = embedder.embed("photos", details=True).names
backbone = kh.zoo.SphereFace20(input_shape=(112, 96, 3))
model = kh.tools.caffe.to_keras("deploy.prototxt", "a.caffemodel")
print(kh.__version__.upper(), head, annealing, loss, vectors, names, model)
"""
# Each is an error.
WRONG = """
kh.layers.ArcFace("x")
kh.losses.TripletLoss(margin="large")
kh.zoo.FaceEmbeder
kh.zoo.SphereFace20(input_shape=112)
kh.zoo.FaceEmbedder.from_preset(1)
kh.zoo.get_card("dlib-resnet").thresholds
kh.tools.caffe.to_keras()
kh.tools.coffee
kh.zoos
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """(line of a script, what mypy says of it), by the script's name.

    The scripts lie elsewhere and the package is one of the installed ones,
    of which mypy reads only those with a `py.typed`.
    """
    folder = tmp_path_factory.mktemp("typing")
    wrong = WRONG.strip().splitlines()
    names = [
        f"reveal_type(kh.{package}.{name})"
        for package in PACKAGES
        for name in public(package).__all__
    ]
    start = ["import keras_hypersphere as kh"]
    scripts = {
        "right": RIGHT.splitlines(),
        "wrong": start + wrong,
        "names": start + names,
    }
    for name, lines in scripts.items():
        (folder / f"{name}.py").write_text("\n".join(lines) + "\n")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--no-pretty", "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    said = {name: [] for name in scripts}
    for line in run.stdout.splitlines():
        place, _, message = line.partition(": ")
        name, dot, number = place.partition(".py:")
        if dot:
            said[name].append((scripts[name][int(number) - 1], message))
    return said


def public(package):
    return importlib.import_module(f"keras_hypersphere.{package}")


def is_error(message):
    return message.startswith("error:")


def test_right_script_is_clean(found):
    assert not found["right"]


def test_each_wrong_line_is_refused(found):
    refused = {line for line, message in found["wrong"] if is_error(message)}
    assert sorted(refused) == sorted(WRONG.strip().splitlines())


def test_every_public_name_has_a_type(found):
    assert found["names"]
    unknown = [
        line
        for line, message in found["names"]
        if is_error(message) or 'type is "Any"' in message
    ]
    assert not unknown


@pytest.mark.parametrize("package", ["layers", "addons.layers"])
def test_constructors_are_annotated(package):
    """mypy leaves it out here, for the sake of the methods of Keras."""
    bare = [
        f"{name}({parameter})"
        for name in public(package).__all__
        for parameter in inspect.signature(
            getattr(public(package), name)
        ).parameters.values()
        if parameter.annotation is parameter.empty
        and parameter.kind
        not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    assert not bare
