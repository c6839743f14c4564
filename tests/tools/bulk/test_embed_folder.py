import json
import pickle
import shutil

import numpy as np
import pytest

from keras_hypersphere.tools.bulk.embed_folder import embed_folder
from keras_hypersphere.tools.bulk.shard_folder import RECORD, ShardFolder
from keras_hypersphere.zoo import BulkEmbedder, FaceEmbedder

pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def embedder():
    return BulkEmbedder(runtime="opencv", aligned=True)


def shards(out):
    return {path.name: path.read_bytes() for path in out.glob("*.parquet")}


def test_rows_and_restarts(write_crops, tmp_path, embedder):
    folder, out = write_crops(tmp_path / "crops", 7), tmp_path / "deep" / "out"
    (folder / "bad.jpg").write_bytes(b"broken")
    seen = []
    report = embed_folder(
        folder,
        out,
        embedder,
        shard_size=2,
        progress=lambda _, shard: seen.append(shard.name),
    )
    assert (report.photos, report.embeddings, report.failed) == (8, 7, 1)
    assert report.skipped == report.removed == 0 and report.problems == {}
    assert report.shards == len(set(seen)) and set(seen) == set(shards(out))
    record = json.loads((out / RECORD).read_text())
    assert record["complete"] is True and record["photos"] == 8
    # A reader that knows nothing of us.
    table = pq.read_table(out).sort_by("path")
    names = [f"{number:03}.png" for number in range(7)]
    assert table["path"].to_pylist() == [*names, "bad.jpg"]
    wanted = FaceEmbedder.from_preset("sface", runtime="opencv").embed(
        [folder / name for name in names], aligned=True
    )
    found = np.array(table["embedding"].to_pylist()[:7], np.float32)
    np.testing.assert_array_equal(found, wanted)
    assert table["embedding"][7].as_py() is None
    assert "cannot be read as a photo" in table["error"][7].as_py()
    assert table["error"].null_count == 7
    assert table["box"].null_count == table["confidence"].null_count == 8
    made = json.loads(table.schema.metadata[b"keras_hypersphere"])
    assert made["runtime"] == "opencv" and made["choose"] == "aligned"
    # Nothing is left to do.
    written = shards(out)
    report = embed_folder(folder, out, embedder, shard_size=2)
    assert report.skipped == report.shards and report.embeddings == 0
    assert shards(out) == written
    # A shard that is lost, and an empty one, are made again, the same.
    first, second, *_ = sorted(written)
    (out / first).unlink()
    (out / second).write_bytes(b"")
    (out / f".{'0' * 16}.part").write_bytes(b"half a shard")
    report = embed_folder(folder, out, embedder, shard_size=2)
    assert report.skipped == report.shards - 2
    assert shards(out) == written
    assert not list(out.glob("*.part"))
    # By way of URIs: what is told of a bad photo aside, the same rows.
    remote = tmp_path / "remote"
    embed_folder(folder.as_uri(), remote.as_uri(), embedder, shard_size=100)
    again = pq.read_table(remote).sort_by("path")
    assert len(shards(remote)) == 1
    assert again.drop_columns("error").equals(table.drop_columns("error"))
    assert again["error"][7].as_py().startswith("bad.jpg: ")


def test_a_changed_folder(write_crops, tmp_path, embedder):
    """A photo that is another keeps no row, one that is gone neither."""
    folder, out = write_crops(tmp_path / "crops", 4), tmp_path / "out"
    embed_folder(folder, out, embedder, shard_size=1)
    before = shards(out)
    shutil.copy(folder / "000.png", folder / "001.png")
    (folder / "002.png").unlink()
    report = embed_folder(folder, out, embedder, shard_size=1)
    assert (report.photos, report.skipped, report.removed) == (3, 2, 2)
    after = shards(out)
    assert len(after) == 3 and len(set(after) & set(before)) == 2
    rows = pq.read_table(out).sort_by("path").to_pylist()
    assert [row["path"] for row in rows] == ["000.png", "001.png", "003.png"]
    assert rows[0]["embedding"] == rows[1]["embedding"]
    assert rows[0]["embedding"] != rows[2]["embedding"]


def test_a_photo_that_vanishes_is_no_failed_photo(
    write_crops, tmp_path, embedder
):
    """A disk that is gone must not become rows that stay."""
    folder, out = write_crops(tmp_path / "crops", 4), tmp_path / "out"
    last = folder / "003.png"
    data = last.read_bytes()
    for place in (str(folder), folder.as_uri()):
        report = embed_folder(
            place,
            out,
            embedder,
            shard_size=1,
            progress=lambda *_: last.unlink(missing_ok=True),
        )
        assert report.embeddings == 3
        [why] = report.problems.values()
        assert why.startswith("'003.png' was listed and cannot be read")
        assert len(shards(out)) == 3
        assert json.loads((out / RECORD).read_text())["complete"] is False
        shutil.rmtree(out)
        last.write_bytes(data)
    # What could not be looked at in the first place is a row.
    last.unlink()
    last.symlink_to("nowhere")
    report = embed_folder(folder, out, embedder, shard_size=1)
    assert (report.embeddings, report.failed) == (3, 1)


def test_rows_of_something_else_are_refused(write_crops, tmp_path, embedder):
    folder, out = write_crops(tmp_path / "crops", 1), tmp_path / "out"
    embed_folder(folder, out, embedder)
    written = shards(out)
    other = write_crops(tmp_path / "others", 1)
    with pytest.raises(ValueError, match="rows of another `folder`"):
        embed_folder(other, out, embedder)
    photos = BulkEmbedder(runtime="opencv")
    with pytest.raises(ValueError, match="`choose`: expected 'largest'"):
        embed_folder(folder, out, photos)
    (out / RECORD).unlink()
    with pytest.raises(ValueError, match=f"no {RECORD}"):
        embed_folder(folder, out, embedder)
    assert shards(out) == written


def test_wrong_arguments(tmp_path, embedder):
    (tmp_path / "empty").mkdir()
    for arguments, match in (
        ({"engine": "spark"}, "`engine` must be one of local, ray"),
        ({"shard_size": 0}, "`shard_size` must be a positive integer"),
        ({"workers": 1.5}, "`workers` must be a positive integer"),
        ({}, "has no pictures"),
    ):
        out = tmp_path / "out"
        with pytest.raises(ValueError, match=match):
            embed_folder(tmp_path / "empty", out, embedder, **arguments)
        assert not out.exists()


def test_a_folder_of_shards_travels_as_its_name(tmp_path):
    folder = ShardFolder(str(tmp_path / "new"))
    assert folder.record() is None and folder.finished() == set()
    folder.make()
    copy = pickle.loads(pickle.dumps(folder))
    copy.write("x", b"1")
    assert [file.base_name for file in folder.files()] == ["x"]
