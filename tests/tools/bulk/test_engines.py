"""Ray Data in this process; `make test-ray` runs it."""

import logging
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.tools.bulk import engines
from keras_hypersphere.tools.bulk.embed_folder import embed_folder
from keras_hypersphere.zoo import BulkEmbedder, images

pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.ray
SAMPLES = Path(images.__file__).parent / "samples"


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, log_to_driver=False, logging_level=logging.ERROR)
    yield ray
    ray.shutdown()


def shards(out):
    return {path.name: path.read_bytes() for path in out.glob("*.parquet")}


def test_rows_of_the_local_engine(ray, write_crops, tmp_path, monkeypatch):
    """To the byte, and in windows; a failing shard stops no other."""
    folder = write_crops(tmp_path / "crops", 12)
    (folder / "bad.png").write_bytes(b"broken")
    embed = BulkEmbedder(runtime="opencv", aligned=True)
    embed_folder(folder, tmp_path / "local", embed, shard_size=2)
    monkeypatch.setattr(engines, "WINDOW", 3)
    out = tmp_path / "ray"
    report = embed_folder(folder, out, embed, "ray", shard_size=2)
    assert (report.photos, report.embeddings, report.failed) == (13, 12, 1)
    assert shards(out) == shards(tmp_path / "local")
    assert ray.is_initialized(), "it was not ours to shut down"


def test_a_photo_that_vanishes(ray, write_crops, tmp_path):
    folder, out = write_crops(tmp_path / "crops", 3), tmp_path / "out"
    embed = BulkEmbedder(runtime="opencv", aligned=True)
    listed = []

    def list_and_remove(photos, *arguments):
        listed.extend(whole(photos, *arguments))
        (folder / "001.png").unlink()
        return iter(listed)

    from keras_hypersphere.tools.bulk import embed_folder as home

    whole = home.cut
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "cut", list_and_remove)
        report = embed_folder(folder, out, embed, "ray", shard_size=1)
    [why] = report.problems.values()
    assert why.startswith("'001.png' was listed and cannot be read")
    assert len(shards(out)) == 2 and report.embeddings == 2


def test_bulk_embedder_in_map_batches(ray, tmp_path):
    """As docs/scale.md shows it: rows with nulls that all can read."""
    import ray.data

    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"broken")
    names = [SAMPLES / "grace_hopper.jpg", SAMPLES / "eileen_collins.png"]
    photos = [str(name) for name in (*names, bad)]
    for size in (1, 3):
        out = tmp_path / f"out{size}"
        ray.data.read_binary_files(photos, include_paths=True).map_batches(
            BulkEmbedder,
            fn_constructor_kwargs={"model": "sface", "runtime": "opencv"},
            batch_size=size,
            concurrency=1,
        ).write_parquet(str(out))
        rows = {
            Path(row["path"]).name: row
            for file in out.glob("*.parquet")
            for row in pq.read_table(file).to_pylist()
        }
        assert rows["bad.jpg"]["embedding"] is None
        assert "cannot be read as a photo" in rows["bad.jpg"]["error"]
        wanted = BulkEmbedder(runtime="opencv")({"path": photos})
        for name, vector in zip(names, wanted["embedding"], strict=False):
            found = rows[name.name]["embedding"]
            np.testing.assert_array_equal(np.float32(found), vector)
