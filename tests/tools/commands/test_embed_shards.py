import json

import pytest

from keras_hypersphere.tools.cli import main

pq = pytest.importorskip("pyarrow.parquet")
WORDS = ["--aligned", "--runtime", "opencv"]


@pytest.fixture
def crops(tmp_path):
    cv2, np = pytest.importorskip("cv2"), pytest.importorskip("numpy")
    folder = tmp_path / "crops"
    folder.mkdir()
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (112, 112, 3))
        assert cv2.imwrite(str(folder / f"{number}.png"), noise)
    (folder / "bad.jpg").write_bytes(b"broken")
    return folder


def test_says_what_it_did(crops, tmp_path, capsys):
    """A bad photo is a row, no failure of the command."""
    out = f"{tmp_path / 'out'}/"
    words = ["embed", str(crops), "-o", out, "--shard-size", "1", *WORDS]
    assert main(words) == 0
    assert capsys.readouterr().out == (
        "4 photos in 4 shards, 4 of them new with 3 embeddings and 1 errors, "
        f"in {out}\n"
    )
    (crops / "1.png").unlink()
    assert main([*words, "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["results"] == [
        {
            "output": out,
            "engine": "local",
            "photos": 3,
            "shards": 3,
            "skipped": 3,
            "embeddings": 0,
            "failed": 0,
            "removed": 1,
            "model": "sface",
            "runtime": "opencv",
        }
    ]
    assert document["failures"] == [] and document["error"] is None
    assert "note: 1 shards of photos that have changed" in said.err
    assert pq.read_table(out).num_rows == 3


def test_engine_makes_it_a_folder(crops, tmp_path, capsys):
    out = tmp_path / "out"
    words = [str(crops), "-o", str(out), "--engine", "local", *WORDS]
    assert main(["embed", *words]) == 0
    assert "4 photos in 1 shards" in capsys.readouterr().out
    assert len(list(out.glob("part-*.parquet"))) == 1


def test_errors_come_before_work(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    out = f"{tmp_path / 'out'}/"
    for folder, said in (
        ("nowhere", "There is no folder 'nowhere' of photos"),
        (str(tmp_path / "empty"), "has no pictures"),
    ):
        assert main(["embed", folder, "-o", out, "--json"]) == 1
        shown = capsys.readouterr()
        assert said in json.loads(shown.out)["error"]
        assert shown.err.startswith("error: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "-o", "x.txt"], "ends in .npz, or in / for a folder"),
        (["a", "-o", "x.npz", "--engine", "ray"], "writes a folder, not x.npz"),
        (["a", "b", "-o", "x/"], "takes one folder"),
        (["a", "-o", "x.npz", "--shard-size", "9"], "is for a folder: -o OUT/"),
        (["a", "-o", "x.npz", "--workers", "2"], "is for a folder: -o OUT/"),
        (["a", "-o", "x/", "--workers", "2"], "is for --engine ray"),
        (["a", "-o", "x/", "--shard-size", "0"], "positive whole number"),
        (["a", "-o", "x/", "--engine", "spark"], "invalid choice: 'spark'"),
    ],
)
def test_wrong_words(words, said, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["embed", *words])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
