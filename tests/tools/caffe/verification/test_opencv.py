"""OpenCV may crash: it runs in a process that may die."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import CaffeNetwork, to_keras, verify
from keras_hypersphere.tools.caffe.verification import opencv
from keras_hypersphere.tools.caffe.verification.opencv import (
    OracleUnavailable,
    run_opencv,
)

NAME = f"OpenCV {cv2.__version__}"
needs_importer = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromCaffe"),
    reason="this OpenCV has no Caffe importer",
)
INPUT = 'input: "data" input_shape { dim: 1 dim: 2 dim: 3 dim: 3 }\n'
UPSCORE = (
    'layer {{ name: "{name}" type: "Deconvolution" bottom: "data" '
    'top: "{name}" {param} convolution_param {{ num_output: 2 group: 2 '
    "kernel_size: 4 stride: 2 pad: 1 bias_term: false "
    'weight_filler {{ type: "bilinear" }} }} }}\n'
)


def upscores(*names, param=""):
    return INPUT + "".join(UPSCORE.format(name=n, param=param) for n in names)


@needs_importer
def test_a_deconvolution_without_blobs(write, capfd):
    """OpenCV 4.8 to 4.14 read the first of no blobs."""
    prototxt = write(upscores("up"))
    model = to_keras(prototxt)
    capfd.readouterr()
    report = verify(model, prototxt)
    assert report.passed
    assert report.oracles == {"reference": 1}
    assert report.notes == (f"{NAME} crashed on it (signal 11)",)
    assert not capfd.readouterr().err


@needs_importer
@pytest.mark.parametrize("param", ["", "param { name: 'shared' }"])
def test_a_deconvolution_that_a_caffemodel_lacks(param, write, tmp_path):
    prototxt = write(upscores("up", "up2", param=param))
    net = NetParameter()
    layer = net.layer.add(name="up", type="Deconvolution")
    random = np.random.default_rng(0)
    set_blob(layer.blobs.add(), random.normal(size=(2, 1, 4, 4)))
    caffemodel = tmp_path / "net.caffemodel"
    write_caffemodel(net, caffemodel)
    model = to_keras(prototxt, caffemodel)
    report = verify(model, prototxt, caffemodel)
    assert report.passed
    assert report.oracles == {"reference": 2}
    assert "(signal 11)" in str(report)


@needs_importer
def test_files_are_found_as_they_are_named(tmp_path, monkeypatch):
    """A path may be relative, and a folder may hold Python files."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "nét one.prototxt"
    path.write_text(
        INPUT + 'layer { name: "ü/1" type: "ReLU" bottom: "data" top: "y" }'
    )
    if sys.version_info >= (3, 11):
        (tmp_path / "json.py").write_text("raise ImportError")
    report = verify(to_keras(path.name), path.name)
    assert report.passed
    assert report.oracles == {NAME: 1}


def small(write):
    prototxt = write(
        INPUT + 'layer { name: "r" type: "ReLU" bottom: "data" top: "y" }'
    )
    return CaffeNetwork.read(prototxt), {"data": np.ones((1, 2, 3, 3))}


@needs_importer
def test_values_come_back_whole(write):
    found, name = run_opencv(*small(write))
    assert name == NAME
    (values,) = found.values()
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, np.ones((1, 2, 3, 3)))


LIKE_OPENCV = """
import os, sys, time, types
__version__ = "4.9.9"
error = ArithmeticError
utils = types.SimpleNamespace(setLogLevel=lambda level: None)
setLogLevel = utils.setLogLevel

class dnn:
    @staticmethod
    def readNetFromCaffe(prototxt, caffemodel):
        print("C++ has something to say")
        {happens}
"""


@pytest.mark.parametrize(
    "happens, words",
    [
        ("os.kill(os.getpid(), 6)", "4.9.9 crashed on it (signal 6)"),
        ("os._exit(3)", "OpenCV 4.9.9 fails: exit code 3"),
        ("raise KeyError('x')", "OpenCV 4.9.9 fails: KeyError: 'x'"),
        ("raise error('no')", "OpenCV 4.9.9 cannot run it: no"),
        ("time.sleep(60)", "OpenCV 4.9.9 did not end in 2 s"),
    ],
)
def test_each_end_has_its_words(
    happens, words, write, tmp_path, monkeypatch, capfd
):
    """A stand-in, which the process imports, does what OpenCV might."""
    (tmp_path / "cv2.py").write_text(LIKE_OPENCV.format(happens=happens))
    monkeypatch.syspath_prepend(tmp_path)
    if "sleep" in happens:
        monkeypatch.setattr(opencv, "SECONDS", 2.0)
    with pytest.raises(OracleUnavailable) as caught:
        run_opencv(*small(write))
    assert words in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_no_process_can_be_started(write, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(OracleUnavailable, match="cannot be started"):
        run_opencv(*small(write))


def test_the_process_starts_without_keras():
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "print(sorted({'keras', 'tensorflow', 'cv2', 'keras_hypersphere'} "
        "& set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, opencv.__file__],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[]\n", done.stderr


def test_the_process_tells_its_name():
    done = subprocess.run(
        [sys.executable, opencv.__file__],
        input="{}",
        capture_output=True,
        text=True,
    )
    (line,) = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    (words,) = json.loads(line).values()
    assert words.startswith(NAME)
