import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import read_caffemodel, read_prototxt
from keras_hypersphere.tools.caffe import conversion, read_card, to_keras
from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT

cv2 = pytest.importorskip("cv2")
needs_importer = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromCaffe"),
    reason="this OpenCV has no Caffe importer",
)
NETWORK = PROTOTXT.read_text()
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
    assert out.splitlines()[-1] == (
        "m.keras: 155,802 parameters, 17,575,744 multiply-adds, outputs prob"
    )
    assert err == ""
    assert os.listdir(folder) == ["m.keras"]
    model = keras.models.load_model("m.keras")
    assert model(np.zeros((2, 28, 28, 1))).shape == (2, 10)


@needs_importer
def test_json_is_one_document(folder, capsys):
    words = ["--outputs", "ip1,prob", "--inspect", "--verify", "--json"]
    assert main(["convert", *SAMPLE, "-o", "m.keras", *words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["command"], document["error"]) == ("convert", None)
    assert document["failures"] == []
    [found] = document["results"]
    assert found["outputs"] == {"ip1": [None, 32], "prob": [None, 10]}
    assert found["inputs"] == {"data": [None, 28, 28, 1]}
    assert found["parameters"] == 155802
    assert found["verification"]["passed"] is True
    assert sum(layer["parameters"] for layer in found["layers"]) == 155802
    assert found["output"] == "m.keras"
    content = (folder / "m.keras").read_bytes()
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["card"] == read_card("m.keras")
    assert found["card"]["verification"]["oracles"] == {
        f"OpenCV {cv2.__version__}": 20
    }


@needs_importer
def test_a_model_that_is_not_verified_is_not_written(
    folder, capsys, monkeypatch
):
    """The model that is checked is the one that was saved."""

    def spoiled(*arguments):
        network, model = convert(*arguments)
        kernel, bias = model.get_layer("conv2b").get_weights()
        model.get_layer("conv2b").set_weights([kernel, bias + 1])
        return network, model

    convert = conversion.convert
    monkeypatch.setattr(conversion, "convert", spoiled)
    (folder / "m.keras").write_text("precious")
    words = ["convert", *SAMPLE, "-o", "m.keras", "--verify"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert "conv2a   Convolution   conv2a" in out
    assert err.startswith("error: ") and err.count("\n") == 1
    assert "not written" in err and "first at layer 'conv2b'" in err
    assert "--force" in err
    assert (folder / "m.keras").read_text() == "precious"
    assert os.listdir(folder) == ["m.keras"]
    assert main([*words, "--force"]) == 0
    assert "written all the same" in capsys.readouterr().err
    assert keras.models.load_model("m.keras").count_params() == 155802
    card = read_card("m.keras")
    assert card["verification"]["passed"] is False
    with zipfile.ZipFile("m.keras") as archive:
        table = archive.read("caffe/verification.txt").decode()
    assert "first at layer 'conv2b'" in table


def test_without_opencv_the_reference_proves_it(folder, capsys, monkeypatch):
    # The process that `--verify` starts imports it.
    (folder / "without").mkdir()
    (folder / "without" / "cv2.py").write_text("raise ModuleNotFoundError")
    monkeypatch.syspath_prepend(folder / "without")
    assert main(["convert", *SAMPLE, "-o", "m.keras", "--verify"]) == 0
    out, err = capsys.readouterr()
    assert (
        "20 of 20 blobs agree" in out and "compared with the reference" in out
    )
    assert "note: OpenCV is not installed; pip install" in out
    assert err == ""


def test_own_inputs(folder, capsys):
    images = np.random.default_rng(0).normal(size=(3, 28, 28, 1))
    words = ["convert", *SAMPLE, "-o", "m.keras", "--verify", "--inputs"]
    # Caffe's layout is known by its shape.
    np.save("a.npy", images.transpose(0, 3, 1, 2))
    np.savez("b.npz", data=images)
    for file in ("a.npy", "b.npz"):
        assert main([*words, file]) == 0
        assert " 3x16x28x28 " in capsys.readouterr().out
    (folder / "text").write_text("no numbers")
    np.savez("d.npz", image=images)
    np.save("f.npy", np.array(["a", "b"]))
    np.savez("g.npz", data=images + 1j)
    np.savez("h.npz", data=np.array([{}], object))
    for file, reason in (
        ("text", "text: is no .npy or .npz file"),
        ("d.npz", "`inputs` must have an array for each of"),
        ("e.npy", "No such file or directory: e.npy"),
        ("f.npy", "f.npy: must hold real numbers. Received: an array of dtype"),
        ("g.npz", "g.npz: must hold real numbers. Received: an array of dtype"),
        ("h.npz", "h.npz: is no .npy or .npz file of numbers"),
    ):
        assert main([*words, file]) == 1
        assert reason in capsys.readouterr().err


def test_phase_stages_and_level(folder, capsys):
    (folder / "n.prototxt").write_text(
        'input: "x" input_shape { dim: 1 dim: 4 }\n'
        'layer { name: "a" type: "ReLU" bottom: "x" top: "a" }\n'
        'layer { name: "b" type: "TanH" bottom: "a" top: "b" '
        'include { min_level: 2 stage: "deep" } }'
    )
    words = ["convert", "n.prototxt", "-o", "m.keras", "--verify"]
    assert main(words) == 0
    assert capsys.readouterr().out.rstrip().endswith("outputs a")
    assert main([*words, "--level", "2", "--stages", "deep"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("outputs b")
    card = read_card("m.keras")
    assert (card["level"], card["stages"]) == (2, ["deep"])


def test_inspect_and_no_weights(folder, capsys):
    words = ["convert", SAMPLE[0], "-o", "m.keras", "--inspect"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "ip1      InnerProduct  pool3    ip1 32" in out
    assert "13,856         13,824" in out
    assert re.search(r"^total +155,802 +17,575,744$", out, re.MULTILINE)
    first, second = err.splitlines()
    assert first == (
        "warning: no CAFFEMODEL was given: layers start from their fillers"
    )
    assert "no picture" in second or "m.png: the network" in second
    assert (folder / "m.png").exists() == ("m.png: the network" in second)


def test_inspect_keeps_a_picture_of_others(folder, capsys):
    (folder / "m.png").write_text("precious")
    assert main(["convert", *SAMPLE, "-o", "m.keras", "--inspect"]) == 0
    err = capsys.readouterr().err
    assert err == "no picture: m.png is there and was not drawn here; move it\n"
    assert (folder / "m.png").read_text() == "precious"
    assert sorted(os.listdir(folder)) == ["m.keras", "m.png"]


@pytest.mark.parametrize(
    "files, words",
    [
        (SAMPLE[::-1], "is text without blobs.*prototxt first"),
        ([SAMPLE[0], SAMPLE[0]], "is text.*prototxt first"),
        (["none.prototxt"], "No such file or directory: none.prototxt"),
        ([SAMPLE[0], "none"], "No such file or directory: none"),
        (["."], "Is a directory"),
        (["empty"], "empty: is empty"),
        ([SAMPLE[0], "empty"], "empty: is empty"),
        ([SAMPLE[0], "cut"], "cut: .*cut off"),
        (["odd"], r"odd: layer 'l' \(Odd\): .* not supported.*PReLU"),
        ([SAMPLE[0], "--outputs", "nothing"], "`outputs` must name"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(files, words, folder, capsys):
    (folder / "empty").touch()
    (folder / "cut").write_bytes(CAFFEMODEL.read_bytes()[:300_000])
    (folder / "odd").write_text(
        'input: "x" input_shape { dim: 1 dim: 2 dim: 3 dim: 3 }\n'
        'layer { name: "l" type: "Odd" bottom: "x" top: "y" }'
    )
    before = sorted(os.listdir(folder))
    assert main(["convert", *files, "-o", "m.keras"]) == 1
    out, err = capsys.readouterr()
    *warnings, last = err.splitlines()
    assert out == "" and last.startswith("error: ")
    assert all(line.startswith("warning: ") for line in warnings)
    assert re.search(words, last)
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize("only_names", [False, True])
def test_weights_of_another_network(only_names, folder, capsys):
    if only_names:
        layers = re.sub(r'name: "(ip|conv|prelu)', r'name: "other\1', NETWORK)
    else:
        layers = (
            'input: "x" input_shape { dim: 1 dim: 3 } layer { name: "other" '
            'type: "InnerProduct" bottom: "x" top: "y" inner_product_param '
            '{ num_output: 2 weight_filler { type: "xavier" } } }'
        )
    (folder / "n.prototxt").write_text(layers)
    words = ["convert", "n.prototxt", SAMPLE[1], "-o", "m.keras"]
    assert main(words) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and SAMPLE[1] in line
    assert "none for the network's other" in line
    assert line.endswith("; --force leaves it out")
    assert os.listdir(folder) == ["n.prototxt"]
    assert main([*words, "--force"]) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: ") and line.endswith("; it is left out")
    # The card does not claim what the model is not made of.
    assert read_card("m.keras")["source"]["caffemodel"] is None


def test_preprocessing_that_there_is_none_of(capsys):
    words = ["convert", *SAMPLE, "-o", "m.keras", "--preprocessing"]
    assert main(words) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: ") and "adds nothing" in line


def test_a_link_is_followed(folder, capsys):
    (folder / "models").mkdir()
    (folder / "models" / "real.keras").write_text("an older model")
    (folder / "m.keras").symlink_to("models/real.keras")
    (folder / "new.keras").symlink_to("models/later.keras")
    for link, target in (("m", "real"), ("new", "later")):
        assert main(["convert", *SAMPLE, "-o", f"{link}.keras"]) == 0
        assert capsys.readouterr().out.startswith(f"{link}.keras: ")
        assert (folder / f"{link}.keras").is_symlink()
        path = folder / "models" / f"{target}.keras"
        assert keras.models.load_model(path).count_params() == 155802
    assert len(os.listdir(folder)) == 3
    assert len(os.listdir(folder / "models")) == 2
    (folder / "far.keras").symlink_to("none/m.keras")
    assert main(["convert", *SAMPLE, "-o", "far.keras"]) == 1
    assert "No such directory: " in capsys.readouterr().err


def test_places_that_cannot_be_written(folder, capsys):
    (folder / "d.keras").mkdir()
    for place, words in (
        ("none/m.keras", "No such directory: none"),
        ("d.keras", "is a directory"),
    ):
        assert main(["convert", *SAMPLE, "-o", place]) == 1
        assert words in capsys.readouterr().err


def test_a_folder_that_nobody_may_write_to(folder, capsys, monkeypatch):
    """The user's file is named, not one that is hidden."""

    def refuse(name, mode=0o777):
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(os, "mkdir", refuse)
    assert main(["convert", *SAMPLE, "-o", "m.keras"]) == 1
    err = capsys.readouterr().err
    assert err == "error: Permission denied: m.keras\n"


@pytest.mark.parametrize("told", [True, False])
def test_a_disk_that_is_full(told, folder, capsys, monkeypatch):
    def full(self, path):
        place = [os.fspath(path)] if told else []
        raise OSError(28, "No space left on device", *place)

    monkeypatch.setattr(keras.Model, "save", full)
    assert main(["convert", *SAMPLE, "-o", "m.keras"]) == 1
    err = capsys.readouterr().err
    assert err == "error: No space left on device: m.keras\n"
    assert os.listdir(folder) == []


@pytest.mark.parametrize(
    "words",
    [
        SAMPLE,
        [*SAMPLE, "-o", "m.h5"],
        ["-o", "m.keras"],
        [*SAMPLE, "-o", "m.keras", "--phase", "LATE"],
        [*SAMPLE, "-o", "m.keras", "--inputs", "a.npy"],
    ],
)
def test_wrong_usage(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["convert", *words])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_caffemodel_alone(folder, capsys):
    """A network's own weights are its weights."""
    net = read_prototxt(PROTOTXT)
    held = {layer.name: layer for layer in read_caffemodel(CAFFEMODEL).layer}
    for layer in net.layer:
        if layer.name in held:
            layer.blobs.extend(held[layer.name].blobs)
    (folder / "m.caffemodel").write_bytes(net.SerializeToString())
    assert main(["convert", "m.caffemodel", "-o", "m.keras"]) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: m.caffemodel: no CAFFEMODEL was given: ")
    assert line.endswith("the weights that this file holds itself are used")
    x = np.ones((1, 28, 28, 1))
    whole, alone = to_keras(*SAMPLE), keras.models.load_model("m.keras")
    np.testing.assert_array_equal(alone(x), whole(x))


LOSS = (
    'input: "x" input_shape { dim: 1 dim: 4 } '
    'input: "label" input_shape { dim: 1 }\n'
    'layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: "label" '
    'top: "l" }'
)


@pytest.mark.slow
def test_a_model_that_needs_this_package(folder, capsys):
    (folder / "n.prototxt").write_text(LOSS)
    words = ["convert", "n.prototxt", "-o", "m.keras", "--phase", "TRAIN"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "m.keras: Keras loads it after `import keras_hypersphere`, which its "
        "layers need"
    )
    assert main([*words, "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["results"]
    [module] = found["imports"]
    code = f"import {module}, keras; keras.models.load_model('m.keras')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == 0, done.stderr
    bare = code.replace(f"{module}, ", "")
    done = subprocess.run([sys.executable, "-c", bare], capture_output=True)
    assert b"could not be deserialized" in done.stderr


def test_inspect_alone_writes_nothing(folder, capsys):
    assert main(["convert", *SAMPLE, "--inspect"]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"^total +155,802 +17,575,744$", out, re.MULTILINE)
    assert err == "" and os.listdir(folder) == []
    assert main(["convert", *SAMPLE, "--inspect", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["results"]
    assert (found["output"], len(found["layers"])) == (None, 21)


def test_json_of_what_fails(folder, capsys):
    words = ["convert", *SAMPLE, "-o", "m.keras", "--outputs", "none", "--json"]
    assert main(words) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["command"], found["results"]) == ("convert", [])
    assert found["error"].startswith("`outputs` must name different blobs")
