import hashlib
import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    make_card,
    read_card,
    to_keras,
    verify,
    write_card,
)


def save(sample, path):
    model = to_keras(*sample)
    model.save(path)
    report = verify(path, *sample)
    write_card(path, make_card(path, *sample, report), report)
    return model


def test_what_the_card_says(sample, tmp_path):
    path = tmp_path / "m.keras"
    save(sample, path)
    card = read_card(path)
    assert card["inputs"] == {"data": [None, 28, 28, 1]}
    assert card["outputs"] == {"prob": [None, 10]}
    assert card["parameters"] == 155802
    assert card["verification"]["passed"] is True
    assert card["versions"]["keras"] == keras.version()
    assert keras.backend.backend() in card["versions"]["backend"]
    for name, file in zip(("prototxt", "caffemodel"), sample, strict=True):
        with open(file, "rb") as stream:
            content = stream.read()
        assert card["source"][name] == {
            "name": os.path.basename(file),
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    with zipfile.ZipFile(path) as archive:
        for name, digest in card["result"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
        rows = json.loads(archive.read("caffe/verification.json"))["rows"]
        table = archive.read("caffe/verification.txt").decode()
    assert len(rows) == 20
    assert "20 of 20 blobs agree" in table


STEPS = "transform_param { mean_value: 127.5 scale: 0.0078125 }"


@pytest.mark.parametrize("inside", [True, False])
def test_preprocessing_is_told_of_once(inside, write, tmp_path):
    prototxt = write(
        'layer { name: "d" type: "MemoryData" top: "data" memory_data_param '
        "{ batch_size: 1 channels: 3 height: 4 width: 4 } "
        f"{STEPS} }}\n"
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }'
    )
    path = tmp_path / "m.keras"
    model = to_keras(prototxt, preprocessing=inside)
    model.save(path)
    write_card(path, make_card(path, prototxt))
    card = read_card(path)
    left, done = card["preprocessing"]["data"], card["preprocessing_in_model"]
    assert left["channel_order"] == "BGR"
    # Whoever follows the card gets Caffe's numbers, whoever does the work.
    x = np.full((1, 4, 4, 3), 255.0)
    for mean in left["mean_value"]:
        x = x - mean
    made = keras.ops.convert_to_numpy(model(x * left["scale"]))
    np.testing.assert_allclose(made, 127.5 * 0.0078125, rtol=1e-6)
    expected = {"mean_value": [127.5], "mean_file": None, "scale": 0.0078125}
    assert done == ({"data": expected} if inside else {})


@pytest.mark.slow
def test_keras_alone_loads_a_file_with_a_card(sample, tmp_path):
    """In a process that knows nothing of this package."""
    path = tmp_path / "m.keras"
    model = save(sample, path)
    x = np.random.default_rng(0).normal(size=(2, 28, 28, 1)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    script = (
        "import sys, numpy, keras\n"
        "model = keras.models.load_model('m.keras')\n"
        "y = keras.ops.convert_to_numpy(model(numpy.load('x.npy')))\n"
        "numpy.save('y.npy', y)\n"
        "assert 'keras_hypersphere' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "y.npy"), model.predict(x, verbose=0), atol=1e-6
    )


def test_a_card_is_replaced(sample, tmp_path):
    path = tmp_path / "m.keras"
    save(sample, path)
    card = read_card(path)
    write_card(path, {**card, "level": 7})
    assert read_card(path)["level"] == 7
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names))
    assert keras.models.load_model(path).count_params() == 155802


def test_files_without_a_card(sample, tmp_path):
    path = tmp_path / "m.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    assert read_card(path) is None
    with pytest.raises(ValueError, match="has no names of Caffe's"):
        make_card(path, *sample)
    with pytest.raises(FileNotFoundError):
        read_card(tmp_path / "none.keras")
    (tmp_path / "text.keras").write_text("no archive")
    with pytest.raises(ValueError, match=r"is no \.keras file"):
        read_card(tmp_path / "text.keras")


# Counted by hand from the sizes of the maps: k * k * in * out * rows * columns.
DET1 = 27 * 10 * 100 + 90 * 16 * 9 + 144 * 32 + 32 * (2 + 4)
DET2 = (
    27 * 28 * 22**2
    + 9 * 28 * 48 * 9**2
    + 4 * 48 * 64 * 3**2
    + 576 * 128
    + 128 * (2 + 4)
)
SPHEREFACE4 = (
    9
    * (3 * 8 * 56 * 48 + 8 * 16 * 28 * 24 + 16 * 32 * 14 * 12 + 32 * 64 * 7 * 6)
    + 64 * 42 * 64
)


@pytest.mark.parametrize(
    "name, count",
    [
        ("mtcnn_det1", DET1),
        ("mtcnn_det2", DET2),
        ("sphereface4_narrow8", SPHEREFACE4),
    ],
)
def test_multiply_adds(name, count, recording, tmp_path):
    case = recording(name)
    path = tmp_path / "m.keras"
    model = to_keras(case.prototxt, case.caffemodel)
    model.save(path)
    card = make_card(path, case.prototxt, case.caffemodel)
    assert card["multiply_adds"] == count
    assert card["parameters"] == model.count_params()
