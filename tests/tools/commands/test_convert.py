import json
import os

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    read_caffemodel,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT

cv2 = pytest.importorskip("cv2")
needs_importer = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromCaffe"),
    reason="this OpenCV has no Caffe importer",
)
SAMPLE = [str(PROTOTXT), str(CAFFEMODEL)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@needs_importer
def test_converts_and_verifies(folder, capsys):
    (folder / "m.keras").write_text("an older model")
    assert main(["convert", *SAMPLE, "-o", "m.keras", "--verify"]) == 0
    out, err = capsys.readouterr()
    assert out.count(" ok\n") == 20
    assert "20 of 20 blobs agree" in out
    assert out.splitlines()[-1] == ("m.keras: 155,802 parameters, outputs prob")
    assert err == ""
    assert os.listdir(folder) == ["m.keras"]
    model = keras.models.load_model("m.keras")
    assert model(np.zeros((2, 28, 28, 1))).shape == (2, 10)


@needs_importer
def test_json_is_one_document(folder, capsys):
    words = ["--outputs", "ip1,prob", "--inspect", "--verify", "--json"]
    assert main(["convert", *SAMPLE, "-o", "m.keras", *words]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outputs"] == {"ip1": [None, 32], "prob": [None, 10]}
    assert found["inputs"] == {"data": [None, 28, 28, 1]}
    assert found["parameters"] == 155802
    assert found["verification"]["passed"] is True
    assert sum(layer["parameters"] for layer in found["layers"]) == 155802
    assert found["output"] == "m.keras"


@needs_importer
def test_a_model_that_is_not_verified_is_not_written(
    folder, capsys, monkeypatch
):
    """The oracle reads another file: every layer from conv2b differs."""
    net = read_caffemodel(CAFFEMODEL)
    layer = next(layer for layer in net.layer if layer.name == "conv2b")
    set_blob(layer.blobs[1], np.ones(32, np.float32))
    write_caffemodel(net, folder / "other.caffemodel")
    from keras_hypersphere.tools.caffe import verify

    run_opencv = verify.__globals__["run_opencv"]
    monkeypatch.setitem(
        verify.__globals__,
        "run_opencv",
        lambda prototxt, model, *rest: run_opencv(
            prototxt, folder / "other.caffemodel", *rest
        ),
    )
    (folder / "m.keras").write_text("precious")
    words = ["convert", *SAMPLE, "-o", "m.keras", "--verify"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert "conv2a   Convolution   conv2a" in out
    assert err.startswith("error: ") and err.count("\n") == 1
    assert "not written" in err and "first at layer 'conv2b'" in err
    assert "--force" in err
    assert (folder / "m.keras").read_text() == "precious"
    assert len(os.listdir(folder)) == 2
    assert main([*words, "--force"]) == 0
    assert "written all the same" in capsys.readouterr().err
    assert keras.models.load_model("m.keras").count_params() == 155802


def test_inspect_and_no_weights(capsys):
    words = ["convert", SAMPLE[0], "-o", "m.keras", "--inspect"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "ip1      InnerProduct  ip1 32" in out
    assert "13,856" in out
    assert err == (
        "warning: no CAFFEMODEL was given: layers start from their fillers\n"
    )


@pytest.mark.parametrize(
    "files, words",
    [
        (SAMPLE[::-1], "binary file.*prototxt first"),
        ([SAMPLE[0], SAMPLE[0]], "is text.*prototxt first"),
        (["none.prototxt"], "No such file or directory: none.prototxt"),
        ([SAMPLE[0], "none"], "No such file or directory: none"),
        (["."], "Is a directory"),
        (["empty"], "empty: is empty"),
        ([SAMPLE[0], "empty"], "empty: is empty"),
        ([SAMPLE[0], "cut"], "cut: is not a binary caffemodel.*cut off"),
        (["odd"], r"odd: layer 'l' \(LRN\): .* not supported.*PReLU"),
        ([SAMPLE[0], "--outputs", "nothing"], "`outputs` must name"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(files, words, folder, capsys):
    (folder / "empty").touch()
    (folder / "cut").write_bytes(CAFFEMODEL.read_bytes()[:300_000])
    (folder / "odd").write_text(
        'input: "x" input_shape { dim: 1 dim: 2 dim: 3 dim: 3 }\n'
        'layer { name: "l" type: "LRN" bottom: "x" top: "y" }'
    )
    before = sorted(os.listdir(folder))
    assert main(["convert", *files, "-o", "m.keras"]) == 1
    out, err = capsys.readouterr()
    *warnings, last = err.splitlines()
    assert out == "" and last.startswith("error: ")
    assert all(line.startswith("warning: ") for line in warnings)
    import re

    assert re.search(words, last)
    assert sorted(os.listdir(folder)) == before


def test_places_that_cannot_be_written(folder, capsys):
    (folder / "d.keras").mkdir()
    for place, words in (
        ("none/m.keras", "No such directory: none"),
        ("d.keras", "is a directory"),
    ):
        assert main(["convert", *SAMPLE, "-o", place]) == 1
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        SAMPLE,
        [*SAMPLE, "-o", "m.h5"],
        ["-o", "m.keras"],
        [*SAMPLE, "-o", "m.keras", "--phase", "LATE"],
    ],
)
def test_wrong_usage(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["convert", *words])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")
