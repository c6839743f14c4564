"""`evaluate megaface` among distractors in parquet files."""

import json

import numpy as np
import pytest

from keras_hypersphere.evaluation import megaface
from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.evaluation.probes import KEPT, curve_far

pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """What `embed -o OUT/` makes of five crops and a broken file."""
    cv2 = pytest.importorskip("cv2")
    folder = tmp_path_factory.mktemp("crops")
    for number in range(5):
        noise = np.random.default_rng(number).integers(0, 256, (112, 112, 3))
        assert cv2.imwrite(str(folder / f"{number}.png"), noise)
    (folder / "bad.jpg").write_bytes(b"broken")
    target = tmp_path_factory.mktemp("shards") / "out"
    words = ["--aligned", "--runtime", "opencv", "--shard-size", "2"]
    assert main(["embed", str(folder), "-o", f"{target}/", *words]) == 0
    return target


def probes_near(out, file, model="sface"):
    """Two photos each of three people, between the distractors."""
    cells = pq.read_table(out)["embedding"].drop_null().to_pylist()
    vectors = np.array(cells, np.float32)
    draw = np.random.default_rng(0)
    faces = np.repeat(vectors[:3], 2, axis=0)
    faces += draw.normal(size=faces.shape) * np.abs(vectors).mean() * 1.5
    names = np.array([f"P{n // 2}/{n}.jpg" for n in range(6)])
    np.savez(file, embeddings=faces, names=names, model=np.array(model))
    return faces, vectors


def test_finds_what_an_array_of_them_gives(out, tmp_path, capsys):
    file = tmp_path / "probes.npz"
    faces, vectors = probes_near(out, file)
    capsys.readouterr()
    words = ["evaluate", "megaface", "--embeddings", str(file)]
    words += ["--distractors", str(out), "--far", "0.1", "--ranks", "3"]
    assert main([*words, "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["results"]
    expected = megaface(faces, np.arange(6) // 2, vectors, 3, 0.1)
    assert found["ranks"] == expected.ranks.tolist()
    assert found["tar"] == expected.tar
    assert found["threshold"] == expected.threshold
    assert (found["distractors"], found["distractors_skipped"]) == (5, 1)
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "rows of distractors without an embedding: 1; they are" in said


def test_one_file(tmp_path, out, capsys):
    file, one = tmp_path / "probes.npz", tmp_path / "one.parquet"
    probes_near(out, file)
    pq.write_table(pq.read_table(out), one)
    words = ["--embeddings", str(file), "--distractors", str(one)]
    capsys.readouterr()
    assert main(["evaluate", "megaface", *words, "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["results"]
    assert (found["distractors"], found["distractors_skipped"]) == (5, 1)


def test_another_model_and_a_part(out, tmp_path, capsys):
    file, part = tmp_path / "probes.npz", tmp_path / "part"
    probes_near(out, file, model="other")
    words = ["evaluate", "megaface", "--embeddings", str(file)]
    assert main([*words, "--distractors", str(out)]) == 1
    assert "are embeddings of sface, the probes of" in capsys.readouterr().err
    part.mkdir()
    for each in out.iterdir():
        (part / each.name).write_bytes(each.read_bytes())
    record = part / "_keras_hypersphere.json"
    made = json.loads(record.read_text())
    record.write_text(json.dumps({**made, "complete": False}))
    assert main([*words, "--distractors", str(part)]) == 1
    assert "is not complete" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [2**14 + 1, 40_000])
def test_a_curve_keeps_no_more_than_blocks_allow(rows):
    draw = np.random.default_rng(0)
    probes, others = draw.normal(size=(8, 4)), draw.normal(size=(rows, 4))
    far = curve_far(8 * rows, KEPT - 1)
    report = megaface(probes, np.arange(8) // 2, iter([others]), far=far)
    assert len(report.distractor_scores) == KEPT
