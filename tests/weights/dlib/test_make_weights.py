"""What makes the weights; without PyPI the source is written from ours."""

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from keras_hypersphere.zoo.cards.registry import CARDS, get_card
from keras_hypersphere.zoo.loading.weight_files import PACKAGED
from tests.weights.dlib.__main__ import main
from tests.weights.dlib.source import original

CARD = get_card("dlib-resnet")
# The published file or sdist, for whoever has it: the whole command is run.
SOURCE = os.environ.get("KERAS_HYPERSPHERE_DLIB_SOURCE")


def sdist(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


@pytest.fixture
def tiny_card():
    import dataclasses

    digest = hashlib.sha256(b"network").hexdigest()
    return dataclasses.replace(CARD, source_sha256=digest)


def test_reads_a_file_and_an_sdist(tmp_path, tiny_card):
    path = tmp_path / "x.dat"
    path.write_bytes(b"network")
    assert original(path, tiny_card) == b"network"
    name = f"face_recognition_models-0.3.0/{CARD.source_file}"
    archive = sdist(
        tmp_path / "x.tar.gz", {"a/other.dat": b"other", name: b"network"}
    )
    assert original(archive, tiny_card) == b"network"


def test_wrong_files(tmp_path, tiny_card):
    path = tmp_path / "x.dat"
    path.write_bytes(b"other")
    with pytest.raises(ValueError, match=tiny_card.source_sha256):
        original(path, tiny_card)
    archive = sdist(tmp_path / "x.tar.gz", {"a/other.dat": b"other"})
    with pytest.raises(ValueError, match="does not hold dlib_face"):
        original(archive, tiny_card)
    archive.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="no readable sdist"):
        original(archive, tiny_card)
    whole = sdist(tmp_path / "y.tar.gz", {"a/b": os.urandom(100_000)})
    whole.write_bytes(whole.read_bytes()[:50_000])
    with pytest.raises(ValueError, match="no readable sdist"):
        original(whole, tiny_card)
    for name in ("nope.dat", "nope.tar.gz"):
        with pytest.raises(FileNotFoundError):
            original(tmp_path / name, tiny_card)


def test_command_refuses_another_file_in_one_line(tmp_path, capsys):
    path = tmp_path / "x.dat"
    path.write_bytes(b"other")
    assert main([str(path), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert CARD.source_sha256 in said.err
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(
    not SOURCE,
    reason="KERAS_HYPERSPHERE_DLIB_SOURCE names no published file",
)
def test_command_is_repeatable(tmp_path, capsys):
    assert main([SOURCE, "-o", str(tmp_path)]) == 0
    assert CARD.weights_sha256 in capsys.readouterr().out
    for made, shipped in (
        (tmp_path / CARD.weights_file, PACKAGED / CARD.weights_file),
        (tmp_path / "dlib-resnet.json", CARDS / "dlib-resnet.json"),
    ):
        assert made.read_bytes() == Path(shipped).read_bytes()
