"""`convert --card`: an original file becomes a model of the zoo."""

import dataclasses
import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format.source_file import SourceFile
from keras_hypersphere.tools.caffe import conversion
from keras_hypersphere.tools.caffe.cards import original, zoo_entry
from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
from keras_hypersphere.zoo import FaceEmbedder, get_card
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.faces.distance import distances
from keras_hypersphere.zoo.loading.preset import load_preset
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input
from tests.tools.caffe.conftest import Recording, find
from tests.tools.commands.card_files import write_card, write_sphereface4

NAME = "sphereface4.mine"
# What real Caffe ran, and the zoo's card of the network.
RECORDED = {
    "sphereface20_narrow8": "sphereface20",
    "centerface_narrow8": "centerface.normface",
    "lightenedcnn_A_narrow8": "lightcnn-a",
    "lightenedcnn_B_narrow8": "lightcnn-b.normface",
}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's, with an unfinished card; the work is done elsewhere."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    cache = tmp_path / "home" / "models" / "keras_hypersphere"
    write_card(cache, NAME, "sphereface20", architecture="SphereFace4")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return cache


@pytest.fixture
def files(tmp_path):
    return list(write_sphereface4(tmp_path))


@pytest.mark.parametrize(
    "recorded",
    [
        pytest.param(name, marks=[pytest.mark.slow] if place else [])
        for place, name in enumerate(RECORDED)
    ],
)
def test_what_real_caffe_ran(recorded, cache, capsys):
    recording = Recording(find("conversion", recorded))
    name = f"{RECORDED[recorded]}.narrow"
    known = SourceFile(recording.caffemodel).describe()
    card = write_card(
        cache,
        name,
        RECORDED[recorded],
        source_sha256=known["sha256"],
        source_bytes=known["bytes"],
    )
    words = [str(recording.prototxt), str(recording.caffemodel)]
    assert main(["convert", *words, "--card", name]) == 0
    out, err = capsys.readouterr()
    assert f"{name} is ready" in out.splitlines()[-1] and err == ""
    finished = get_card(name)
    assert finished.finished and finished.golden_output
    assert finished.source_identified
    source = recording.caffemodel.read_bytes()
    assert finished.source_bytes == len(source)
    assert finished.source_sha256 == hashlib.sha256(source).hexdigest()
    model, _ = load_preset(name)
    assert finished.parameters == model.count_params()
    # What Caffe made of its input is what the entry makes of it.
    blob = {"etlwise_fc1": "eltwise_fc1"}.get(
        card.feature_layer, card.feature_layer
    )
    [x] = recording.inputs.values()
    assert recording.difference(blob, model(x, training=False)) < 1e-5


def test_the_entry_is_a_model_of_the_zoo(cache, files, capsys):
    assert main(["convert", *files, "--card", NAME]) == 0
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and os.listdir(".") == []
    assert "9 of 9 blobs agree" in out
    assert sorted(os.listdir(cache)) == [f"{NAME}.json", f"{NAME}.npz"]
    weights = cache / f"{NAME}.npz"
    assert out.splitlines()[-1].startswith(f"{weights}: {NAME} is ready, ")
    card = get_card(NAME)
    assert card.weights_bytes == weights.stat().st_size
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert card.weights_sha256 == digest
    assert card.weights_command == (
        f"keras-hypersphere convert n.prototxt n.caffemodel --card {NAME}"
    )
    embedder = FaceEmbedder.from_preset(NAME)
    crop = golden_crop(card)
    # Crop and mirrored crop, one after the other: as the card says.
    pixels = preprocess_input(np.stack([crop, crop[:, ::-1]]), card)
    front, mirrored = keras.ops.convert_to_numpy(embedder.model(pixels))
    expected = np.concatenate([front, mirrored])
    size = np.abs(expected).max()
    np.testing.assert_allclose(
        card.golden_output, expected, atol=1e-5 * size, rtol=1e-5
    )
    found = embedder.embed_aligned(crop)
    assert distances(found, expected, "cosine")[0, 0] < 1e-6
    assert main(["models", NAME]) == 0
    assert card.weights_sha256 in capsys.readouterr().out


def test_again_and_with_a_file_and_json(cache, files, capsys):
    assert main(["convert", *files, "--card", NAME]) == 0
    first = get_card(NAME)
    capsys.readouterr()
    words = ["--card", NAME, "-o", "m.keras", "--json"]
    assert main(["convert", *files, *words]) == 0
    [found] = json.loads(capsys.readouterr().out)["results"]
    assert found["entry"] == get_card(NAME).as_dict() == first.as_dict()
    assert found["verification"]["passed"] and found["output"] == "m.keras"
    assert list(found["outputs"]) == ["fc5"]
    assert os.listdir(".") == ["m.keras"]
    model = keras.models.load_model("m.keras")
    assert model.output_shape == (None, 64)


def test_other_weights_for_a_finished_card(cache, files, tmp_path):
    """What the user measured stays with the weights that it is of."""
    assert main(["convert", *files, "--card", NAME]) == 0
    result = {
        "protocol": "mine",
        "value": 0.9,
        "std": 0.1,
        "command": "none",
        "date": "2026-01-01",
    }
    measured = dataclasses.replace(
        get_card(NAME), threshold=0.4, measured=[result]
    )
    measured.save(cache / f"{NAME}.json")
    assert main(["convert", *files, "--card", NAME]) == 0
    assert get_card(NAME) == measured
    files = list(write_sphereface4(tmp_path, seed=1))
    assert main(["convert", *files, "--card", NAME]) == 0
    card = get_card(NAME)
    assert card.source_sha256 != measured.source_sha256
    assert card.threshold == 0 and card.measured == ()
    model, _ = load_preset(NAME)
    assert model.output_shape == (None, 64)


def refused(words, cache, capsys, code=1):
    """The one line of the error; nothing is left behind."""
    before = {path: path.read_bytes() for path in cache.iterdir()}
    if code == 2:
        with pytest.raises(SystemExit) as caught:
            main(["convert", *words])
        assert caught.value.code == 2
    else:
        assert main(["convert", *words]) == 1
    *others, last = capsys.readouterr().err.splitlines()
    assert last.startswith("error: ")
    assert all(line.startswith("warning: ") for line in others)
    assert {path: path.read_bytes() for path in cache.iterdir()} == before
    assert os.listdir(".") == []
    return last


def test_files_of_another_network(cache, files, tmp_path, capsys):
    prototxt, caffemodel = files
    other = str(CAFFEMODEL)
    text = refused([prototxt, other, "--card", NAME], cache, capsys)
    assert "lenet_pp.caffemodel' does not fit SphereFace4" in text
    text = refused([str(PROTOTXT), caffemodel, "--card", NAME], cache, capsys)
    assert "has no layer 'fc5', which gives the embedding of" in text
    (tmp_path / "cut.caffemodel").write_bytes(
        (tmp_path / "n.caffemodel").read_bytes()[:-5000]
    )
    cut = str(tmp_path / "cut.caffemodel")
    assert "cut off" in refused([prototxt, cut, "--card", NAME], cache, capsys)
    (tmp_path / "n.caffemodel").rename(tmp_path / "weights.bin")
    odd = str(tmp_path / "weights.bin")
    text = refused([prototxt, odd, "--card", NAME], cache, capsys)
    assert "must end in .caffemodel" in text


def test_a_prototxt_that_says_otherwise(cache, tmp_path, capsys):
    """Names and shapes fit; what the layers do does not."""
    files = list(write_sphereface4(tmp_path, slopes=False))
    text = refused([*files, "--card", NAME], cache, capsys)
    assert "the embeddings of SphereFace4 are not those of" in text
    assert re.search(r"they are \d\.\de[-+]\d\d of their range apart", text)


def test_a_file_that_nobody_knows(cache, tmp_path, capsys):
    """Its shapes fit: that says nothing of the numbers in it."""
    files = list(write_sphereface4(tmp_path, people=5))
    write_card(
        cache, NAME, "sphereface20", architecture="SphereFace4", classes=10572
    )
    assert main(["convert", *files, "--card", NAME]) == 0
    assert capsys.readouterr().err == (
        f"warning: {files[1]}: was not identified as "
        f"sphereface_model.caffemodel of {NAME}, since the card knows no hash "
        "of that, and its classifier tells 5 people apart, that of the "
        "original 10,572; the published results may be of other weights\n"
    )
    card = get_card(NAME)
    assert card.finished and card.published and not card.source_identified
    assert main(["models", NAME]) == 0
    out = capsys.readouterr().out
    assert re.search("^source_identified +no$", out, re.MULTILINE)


def test_the_classifier_of_the_card(cache, tmp_path, capsys):
    """As many people as expected, or no classifier: no word about it."""
    for people in (7, 0):
        files = list(write_sphereface4(tmp_path, people=people))
        write_card(
            cache, NAME, "sphereface20", architecture="SphereFace4", classes=7
        )
        assert main(["convert", *files, "--card", NAME]) == 0
        err = capsys.readouterr().err
        assert "was not identified" in err and "people apart" not in err


@pytest.fixture
def known(files):
    """What a card may know of the file."""
    data = Path(files[1]).read_bytes()
    done = subprocess.run(
        ["git", "hash-object", "--no-filters", files[1]],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        "source_bytes": len(data),
        "source_sha256": hashlib.sha256(data).hexdigest(),
        "source_git_blob": done.stdout.strip(),
    }


@pytest.mark.parametrize(
    "names",
    [
        ["source_sha256", "source_bytes"],
        ["source_git_blob"],
        ["source_git_blob", "source_sha256", "source_bytes"],
    ],
)
def test_an_original_that_the_card_knows(names, cache, files, known, capsys):
    fields = {name: known[name] for name in names}
    write_card(
        cache, NAME, "sphereface20", architecture="SphereFace4", **fields
    )
    assert main(["convert", *files, "--card", NAME]) == 0
    assert capsys.readouterr().err == ""
    card = get_card(NAME)
    assert card.source_identified
    assert card.source_sha256 == known["source_sha256"]
    assert card.source_git_blob == fields.get("source_git_blob", "")
    # What is known once holds for the next file too.
    other = list(write_sphereface4(Path(files[0]).parent, seed=1))
    text = refused([*other, "--card", NAME], cache, capsys)
    assert f"is not the file of {NAME}" in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"source_sha256": "0" * 64, "source_bytes": 5},
            f"expects 5 bytes, sha256 {'0' * 64}",
        ),
        ({"source_git_blob": "0" * 40}, f"expects git blob {'0' * 40}"),
    ],
)
def test_another_file_than_the_original(fields, said, cache, files, capsys):
    write_card(
        cache, "known", "sphereface20", architecture="SphereFace4", **fields
    )
    text = refused([*files, "--card", "known"], cache, capsys)
    assert "is not the file of known" in text and said in text


def test_the_package_knows_better_than_the_cache(cache, monkeypatch):
    """A newer release may have the hash that an older one had not."""
    finished = dataclasses.replace(
        get_card("dlib-resnet"), name="sphereface20", source_identified=False
    )
    monkeypatch.setattr(
        original,
        "packaged_card",
        lambda name: dataclasses.replace(
            get_card("dlib-resnet"), source_sha256="1" * 64
        ),
    )
    assert original.known_original(finished).source_sha256 == "1" * 64
    monkeypatch.setattr(original, "packaged_card", lambda name: None)
    assert original.known_original(finished).source_sha256 == ""


def test_cards_that_cannot_be_finished(cache, files, capsys):
    text = refused([*files, "--card", "dlib-resnet"], cache, capsys)
    assert text == (
        "error: the zoo has the weights of dlib-resnet already; nothing is "
        "to be converted for this card"
    )
    text = refused([*files, "--card", "sphereface21"], cache, capsys)
    assert "There is no model 'sphereface21'" in text
    text = refused([*files, "--card", "sphereface20"], cache, capsys)
    assert "is not the file of sphereface20" in text
    assert "the card expects 90688218 bytes, sha256 092d8fb00291" in text
    # The published network's widths, not those of the files.
    text = refused([*files, "--card", "centerface"], cache, capsys)
    assert "does not fit CenterFace" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--phase", "TRAIN"], "--phase TRAIN is not for --card"),
        (["--force"], "--force is not for --card: an entry is always verified"),
        (["--outputs", "fc5"], "--outputs is not for --card"),
        (["--preprocessing"], "--preprocessing is not for --card"),
    ],
)
def test_words_that_do_not_go_together(words, message, cache, files, capsys):
    text = refused([*files, "--card", NAME, *words], cache, capsys, code=2)
    assert message in text


def test_missing_words(cache, files, capsys):
    text = refused([files[0], "--card", NAME], cache, capsys, code=2)
    assert "--card needs the CAFFEMODEL" in text
    text = refused(files, cache, capsys, code=2)
    assert "-o OUT.keras is required, or --card NAME" in text
    words = [files[0], "none.caffemodel", "--card", NAME]
    assert "No such file" in refused(words, cache, capsys)


def test_a_network_that_is_not_verified(cache, files, capsys, monkeypatch):
    def spoiled(*arguments):
        network, model = convert(*arguments)
        kernel, bias = model.get_layer("fc5").get_weights()
        model.get_layer("fc5").set_weights([kernel, bias + 1])
        return network, model

    convert = conversion.convert
    monkeypatch.setattr(conversion, "convert", spoiled)
    text = refused([*files, "--card", NAME], cache, capsys)
    assert f"{NAME} is not written" in text and "layer 'fc5'" in text
    assert "--force" not in text


def test_an_entry_is_whole_or_not_there(cache, files, capsys, monkeypatch):
    """The disk is full after the weights."""

    def full(self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(zoo_entry.Card, "save", full)
    text = refused([*files, "--card", NAME], cache, capsys)
    assert "No space left on device" in text
