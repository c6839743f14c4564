import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading.weight_files import (
    PACKAGED,
    find_weights,
    locate,
)

CARD = get_card("dlib-resnet")


@pytest.mark.parametrize("name", ["sface", "dlib-resnet"])
def test_embedded_files_are_the_cards(name):
    card = get_card(name)
    path = find_weights(card)
    assert path.parent == PACKAGED
    assert path.stat().st_size == card.weights_bytes
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card.weights_sha256


def test_files_are_found_without_keras():
    code = (
        "import sys\n"
        "from keras_hypersphere.zoo.cards.registry import get_card\n"
        "from keras_hypersphere.zoo.loading.weight_files import find_weights\n"
        "find_weights(get_card('sface'))\n"
        "assert not {'keras', 'tensorflow', 'google'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-100], "11259612 bytes"),
        (lambda data: data[:500] + b"!" + data[501:], "damaged or another"),
        (lambda data: b"", "0 bytes"),
    ],
)
def test_wrong_hash(tmp_path, damage, message):
    path = tmp_path / CARD.weights_file
    path.write_bytes(damage(find_weights(CARD).read_bytes()))
    with pytest.raises(ValueError, match=message) as error:
        find_weights(CARD, tmp_path)
    text = str(error.value)
    assert str(path) in text and CARD.weights_sha256 in text
    assert "fetch that folder again" in text and "\n" not in text


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        find_weights(CARD, tmp_path)
    text = str(error.value)
    assert CARD.weights_file in text and CARD.weights_sha256 in text
    assert str(tmp_path) in text and "\n" not in text


def test_cache_is_searched_after_the_package(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "models" / "keras_hypersphere"
    folder.mkdir(parents=True)
    data = b"weights"
    (folder / "own.npz").write_bytes(data)
    card = dataclasses.replace(
        CARD,
        weights_file="own.npz",
        weights_sha256=hashlib.sha256(data).hexdigest(),
    )
    assert find_weights(card) == folder / "own.npz"


def test_names_and_suffixes():
    with pytest.raises(ValueError, match="There is no model 'nope'"):
        locate("nope")
    with pytest.raises(ValueError, match=r"of Other\. Received.*DlibResNet"):
        locate("dlib-resnet", architecture="Other")


@pytest.mark.parametrize(
    "path", ["a/b.bin", "/nope/x.h5", "x.h5", "x.pt", Path("dlib-resnet")]
)
def test_paths_that_are_not_there(path):
    said = rf"no weights file '{path}'\. It must end in \.weights\.h5"
    with pytest.raises(FileNotFoundError, match=said):
        locate(path)


@pytest.mark.parametrize("name", ["x.h5", "x", "x.bin"])
def test_files_that_hold_no_weights(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(b"abc")
    for given in (name, tmp_path / name):
        with pytest.raises(ValueError, match=r"must end in \.weights\.h5"):
            locate(given)


def test_a_name_is_a_card_even_if_there_is_such_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dlib-resnet").mkdir()
    assert locate("dlib-resnet") == PACKAGED / "dlib-resnet.npz"
