import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere.tools import embeddings_file
from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.embeddings_file import EmbeddingsFile
from keras_hypersphere.zoo import get_card, images
from keras_hypersphere.zoo.alignment import Face
from keras_hypersphere.zoo.faces.aligned_face import AlignedFace
from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos

pytestmark = pytest.mark.usefixtures("miniatures")
SMALL = "dlib-resnet.miniature"
SAMPLES = Path(images.__file__).parent / "samples"
COLLINS = SAMPLES / "eileen_collins.png"


def test_folder_with_a_bad_photo(capsys, tmp_path):
    folder, out = tmp_path / "photos", tmp_path / "out.npz"
    folder.mkdir()
    for path in SAMPLES.iterdir():
        if path.suffix in images.SUFFIXES:
            (folder / path.name).write_bytes(path.read_bytes())
    assert main(["embed", str(folder), "-o", str(out)]) == 0
    assert capsys.readouterr().out == f"2 embeddings in {out}\n"
    (folder / "broken.jpg").write_bytes(b"broken")
    assert main(["embed", str(folder), "-o", str(out)]) == 1
    said = capsys.readouterr()
    *_, skipped, last = said.err.splitlines()
    assert skipped.startswith("skipped: ") and "broken.jpg" in skipped
    assert last.startswith("error: 1 of 3 photos have no embedding")
    with np.load(out) as found:
        assert found["embeddings"].shape == (2, 128)
        assert found["embeddings"].dtype == np.float32
        assert found["names"].tolist() == [
            str(folder / "eileen_collins.png"),
            str(folder / "grace_hopper.jpg"),
        ]
        assert found["boxes"].shape == (2, 4)
        assert found["landmarks"].shape == (2, 5, 2)
        assert found["confidence"].min() > 0.9
        assert str(found["model"]) == "sface"
        card = get_card("sface")
        assert str(found["model_sha256"]) == card.weights_sha256
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.npz", "photos"]


def write_crops(folder, count):
    """Crops for SMALL, all the same, under many names."""
    folder.mkdir()
    first = folder / "00000.jpg"
    crop = images.read(COLLINS)[60:210, 160:310]
    assert cv2.imwrite(str(first), crop[:, :, ::-1])
    for number in range(1, count):
        (folder / f"{number:05}.jpg").hardlink_to(first)


@pytest.mark.slow
def test_goes_on_after_an_interruption(capsys, tmp_path):
    """Ctrl-C at a terminal, long before a writing is due."""
    folder, out = tmp_path / "crops", tmp_path / "out.npz"
    write_crops(folder, 8000)
    words = ["embed", str(folder), "-o", str(out), "--model", SMALL]
    words += ["--aligned", "--runtime", "keras"]
    terminal, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "keras_hypersphere", *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    said, waiting = b"", True
    with contextlib.suppress(OSError):  # A terminal ends with an error.
        while data := os.read(terminal, 1000):
            said += data
            # Three batches may be on their way when 200 are aligned.
            if waiting and re.search(rb"([2-9]|[1-9]\d)\d\d of 8000", said):
                waiting = False
                running.send_signal(signal.SIGINT)
    os.close(terminal)
    assert running.communicate()[0] == b"" and running.returncode == 1
    *_, last = said.decode().splitlines()
    last = last[last.index("error: ") :]
    with np.load(out) as found:
        count = len(found["names"])
        assert found["embeddings"].shape == (count, get_card(SMALL).dim)
    assert 64 <= count < 8000
    assert last == (
        f"error: interrupted: {count} embeddings are in {out}; the same "
        "command with --resume goes on"
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["crops", "out.npz"]
    # What is left is made less, for the sake of time.
    for number in range(count + 40, 8000):
        (folder / f"{number:05}.jpg").unlink()
    assert main([*words, "--resume"]) == 0
    said = capsys.readouterr().out
    assert said == f"{count + 40} embeddings in {out}, 40 of them new\n"
    with np.load(out) as found:
        names = [path.name for path in map(Path, found["names"].tolist())]
        assert names == [f"{number:05}.jpg" for number in range(count + 40)]
        # Every crop is the same.
        np.testing.assert_allclose(
            found["embeddings"],
            found["embeddings"][:1].repeat(count + 40, 0),
            atol=1e-5,
        )
    # Nothing is left to do.
    before = out.stat().st_mtime_ns
    assert main([*words, "--resume"]) == 0
    assert f"{count + 40} embeddings in" in capsys.readouterr().out
    assert out.stat().st_mtime_ns == before


def test_writes_now_and_then(capsys, tmp_path, monkeypatch):
    """And a failure of the machine loses only what came after."""
    folder, out = tmp_path / "crops", tmp_path / "out.npz"
    write_crops(folder, 100)
    monkeypatch.setattr(embeddings_file, "SECONDS", 0.0)
    monkeypatch.setattr(embeddings_file, "TIMES", 0.0)
    lengths = []
    whole = EmbeddingsFile.save

    def save(file):
        whole(file)
        with np.load(out) as found:
            lengths.append(len(found["names"]))
        if len(lengths) == 2:
            raise OSError("the plug was pulled")

    monkeypatch.setattr(EmbeddingsFile, "save", save)
    words = ["embed", str(folder), "-o", str(out), "--model", SMALL]
    assert main([*words, "--aligned"]) == 1
    assert "error: the plug was pulled" in capsys.readouterr().err
    assert lengths == [32, 64]


def test_an_interrupted_writing_is_made_up_for(capsys, tmp_path, monkeypatch):
    folder, out = tmp_path / "crops", tmp_path / "out.npz"
    write_crops(folder, 100)
    monkeypatch.setattr(embeddings_file, "SECONDS", 0.0)
    monkeypatch.setattr(embeddings_file, "TIMES", 0.0)
    writings = []
    whole = np.savez

    def savez(file, **arrays):
        writings.append(len(arrays["names"]))
        if len(writings) == 2:
            file.write(b"half a file")
            raise KeyboardInterrupt
        whole(file, **arrays)

    monkeypatch.setattr(np, "savez", savez)
    words = ["embed", str(folder), "-o", str(out), "--model", SMALL]
    assert main([*words, "--aligned"]) == 1
    assert "interrupted: 64 embeddings are in" in capsys.readouterr().err
    assert writings == [32, 64, 64]
    with np.load(out) as found:
        assert len(found["names"]) == 64


def test_a_photo_named_twice_is_embedded_once(capsys, tmp_path, monkeypatch):
    write_crops(tmp_path / "crops", 2)
    (tmp_path / "crops" / "bad.jpg").write_bytes(b"broken")
    monkeypatch.chdir(tmp_path / "crops")
    words = ["00001.jpg", "./00001.jpg", "bad.jpg", ".", "./bad.jpg"]
    words += ["-o", "out.npz", "--model", SMALL, "--aligned"]
    assert main(["embed", *words]) == 1
    said = capsys.readouterr()
    assert said.out == "2 embeddings in out.npz\n"
    assert "error: 1 of 3 photos have no embedding" in said.err
    with np.load("out.npz") as found:
        assert found["names"].tolist() == ["00001.jpg", "00000.jpg"]


def test_crops_and_photos_do_not_go_into_one_file(capsys, tmp_path):
    write_crops(tmp_path / "crops", 1)
    crop, out = str(tmp_path / "crops" / "00000.jpg"), tmp_path / "out.npz"
    words = ["-o", str(out), "--model", SMALL]
    for first, then, hint in (
        ([str(COLLINS)], [crop, "--aligned"], "Leave out --aligned, or name"),
        ([crop, "--aligned"], [str(COLLINS)], "Say --aligned, or name"),
        (
            [str(COLLINS), "--choose", "center"],
            [str(COLLINS)],
            "made with --choose center. Say --choose center, or name",
        ),
    ):
        assert main(["embed", *first, *words]) == 0
        written = out.read_bytes()
        capsys.readouterr()
        assert main(["embed", *then, *words, "--resume"]) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith(f"error: '{out}' cannot be resumed: ")
        assert hint in last
        assert out.read_bytes() == written


def test_files_of_before_say_less(tmp_path):
    """Which kind they are shows in them; the choice is the usual one."""
    out = tmp_path / "out.npz"
    card = get_card(SMALL)
    face = Face((1.0, 2.0, 30.0, 40.0), np.ones((5, 2)), 0.9)
    for aligned in (False, True):
        file = EmbeddingsFile(out, card, aligned)
        row = AlignedFace("a.jpg", None if aligned else face, 1, None)
        vectors = np.ones((1, card.dim), np.float32)
        file.add(EmbeddedPhotos(vectors, [row], {}))
        file.save()
        with np.load(out) as found:
            arrays = dict(found)
        for name in ("aligned", "choose"):
            arrays.pop(name, None)
        np.savez(out, **arrays)
        again = EmbeddingsFile(out, card, aligned)
        assert again.read() == {"a.jpg"} and len(again) == 1
        with pytest.raises(ValueError, match="--aligned"):
            EmbeddingsFile(out, card, not aligned).read()
        other = EmbeddingsFile(out, card, aligned, "center")
        if aligned:
            assert other.read() == {"a.jpg"}
        else:
            with pytest.raises(ValueError, match="seems to have been made"):
                other.read()
        again.save()
        with np.load(out) as found:
            assert bool(found["aligned"]) is aligned
            assert ("choose" in found) is not aligned
        np.savez(out, **{**arrays, "embeddings": np.ones((1, 9))})
        with pytest.raises(ValueError, match=r"array embeddings does not"):
            EmbeddingsFile(out, card, aligned).read()


def test_another_file_is_not_resumed(capsys, tmp_path):
    out = tmp_path / "out.npz"
    out.write_bytes(b"older")
    assert main(["embed", str(COLLINS), "-o", str(out), "--resume"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and "cannot be resumed" in last
    assert out.read_bytes() == b"older"
    card = get_card("dlib-resnet")
    file = EmbeddingsFile(out, card, aligned=False)
    file.save()
    with np.load(out) as found:
        arrays = {**found, "model_sha256": np.array("0" * 64)}
    np.savez(out, **arrays)
    assert main(["embed", str(COLLINS), "-o", str(out), "--resume"]) == 1
    assert "other weights" in capsys.readouterr().err


def test_align_then_embed_aligned(capsys, tmp_path):
    crops, out = tmp_path / "crops", tmp_path / "out.npz"
    assert main(["align", str(COLLINS), "-o", str(crops)]) == 0
    assert main(["embed", str(crops), "-o", str(out), "--aligned"]) == 0
    direct = tmp_path / "direct.npz"
    assert main(["embed", str(COLLINS), "-o", str(direct)]) == 0
    with np.load(out) as a, np.load(direct) as b:
        np.testing.assert_allclose(a["embeddings"], b["embeddings"], atol=1e-5)
        assert "boxes" not in a


def test_an_older_file_is_kept_when_nothing_is_found(capsys, tmp_path):
    out = tmp_path / "out.npz"
    out.write_bytes(b"older")
    assert main(["embed", str(tmp_path / "no.jpg"), "-o", str(out)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: There is no photo")
    assert out.read_bytes() == b"older"


def test_photos_that_are_no_crops(capsys, tmp_path):
    out = tmp_path / "out.npz"
    assert main(["embed", str(COLLINS), "-o", str(out), "--aligned"]) == 1
    assert "112 x 112 pixels were expected" in capsys.readouterr().err
    assert not out.exists()


def test_wrong_output(capsys, tmp_path):
    out = tmp_path / "no" / "out.npz"
    assert main(["embed", str(COLLINS), "-o", str(out)]) == 1
    assert "There is no folder" in capsys.readouterr().err
    out = tmp_path / "out.npz"
    out.mkdir()
    # Before the model is looked for.
    words = ["embed", str(COLLINS), "-o", str(out), "--model", "nobody"]
    assert main(words) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"error: '{out}' is a folder, the name of a file")
    assert f"such as '{out / '1.npz'}'" in last and ".part" not in last
    with pytest.raises(SystemExit) as stop:
        main(["embed", str(COLLINS), "-o", "out.txt"])
    assert stop.value.code == 2
    assert "ends in .npz" in capsys.readouterr().err
