import contextlib
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.commands import embed
from keras_hypersphere.tools.embeddings_file import EmbeddingsFile
from keras_hypersphere.zoo import get_card, images

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
        assert str(found["model"]) == "dlib-resnet"
        card = get_card("dlib-resnet")
        assert str(found["model_sha256"]) == card.weights_sha256
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.npz", "photos"]


def test_goes_on_after_an_interruption(capsys, tmp_path, monkeypatch):
    """With a file written after each photo, and stopped after the first."""
    folder, out = tmp_path / "photos", tmp_path / "out.npz"
    folder.mkdir()
    for path in images.files_in(SAMPLES):
        (folder / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(embed, "EVERY", 1)
    whole = EmbeddingsFile.save

    def stop(file):
        whole(file)
        raise KeyboardInterrupt

    words = ["embed", str(folder), "-o", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(EmbeddingsFile, "save", stop)
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            assert main(words) != 0
    with np.load(out) as found:
        assert len(found["names"]) == 1
        first = found["embeddings"]
    capsys.readouterr()
    assert main([*words, "--resume"]) == 0
    assert capsys.readouterr().out == f"2 embeddings in {out}, 1 of them new\n"
    again = tmp_path / "again.npz"
    assert main(["embed", str(folder), "-o", str(again)]) == 0
    with np.load(out) as found, np.load(again) as wanted:
        assert found["names"].tolist() == wanted["names"].tolist()
        np.testing.assert_array_equal(found["embeddings"][:1], first)
        for name in ("embeddings", "boxes", "landmarks", "confidence"):
            np.testing.assert_allclose(
                found[name], wanted[name], rtol=1e-4, atol=1e-4
            )
    # Nothing is left to do.
    assert main([*words, "--resume"]) == 0
    assert "2 embeddings" in capsys.readouterr().out


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
    assert "150 x 150 pixels were expected" in capsys.readouterr().err
    assert not out.exists()


def test_wrong_output(capsys, tmp_path):
    out = tmp_path / "no" / "out.npz"
    assert main(["embed", str(COLLINS), "-o", str(out)]) == 1
    assert "There is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["embed", str(COLLINS), "-o", "out.txt"])
    assert stop.value.code == 2
    assert "ends in .npz" in capsys.readouterr().err
