"""Distractors from parquet files, next to the same ones from an array."""

import numpy as np
import pytest

from keras_hypersphere.evaluation import EmbeddingShards, megaface

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def write(path, lists, kind=None):
    kind = kind or pyarrow.list_(pyarrow.float32())
    table = {
        "path": [f"{row}.jpg" for row in range(len(lists))],
        "embedding": pyarrow.array(lists, kind),
        "error": [None if each is not None else "no face" for each in lists],
    }
    parquet.write_table(pyarrow.table(table), path, row_group_size=7)


@pytest.mark.parametrize("kind", ["list", "large_list", "fixed"])
def test_as_from_an_array(kind, tmp_path):
    kind = {
        "list": pyarrow.list_(pyarrow.float32()),
        "large_list": pyarrow.large_list(pyarrow.float32()),
        "fixed": pyarrow.list_(pyarrow.float32(), 6),
    }[kind]
    rows = np.random.default_rng(0).normal(size=(90, 6)).astype("f4")
    lists = [None if row % 9 == 4 else rows[row].tolist() for row in range(90)]
    for shard in range(3):
        part = lists[30 * shard : 30 * shard + 30]
        try:
            write(tmp_path / f"part-{shard}.parquet", part, kind)
        except pyarrow.ArrowNotImplementedError:
            pytest.skip("this pyarrow writes no lists of one length with nulls")
    write(tmp_path / "part-3.parquet", [None, None], kind)
    (tmp_path / "_SUCCESS").write_text("")
    shards = EmbeddingShards(tmp_path)
    there = rows[np.arange(90) % 9 != 4]
    if int(pyarrow.__version__.split(".")[0]) < 26 and "fixed" in str(kind):
        with pytest.raises(ValueError, match="from version 26 on"):
            list(shards)
        return
    np.testing.assert_array_equal(np.concatenate(list(shards)), there)
    assert (shards.rows, shards.skipped) == (92, 12)
    probes = np.random.default_rng(1).normal(size=(12, 6))
    found, wanted = (
        megaface(probes, np.arange(12) // 3, each, ranks=5, far=0.02)
        for each in (shards, there)
    )
    assert found.ranks.tolist() == wanted.ranks.tolist()
    assert (found.tar, found.threshold) == (wanted.tar, wanted.threshold)
    assert found.distractors == 80 and found.pairs == wanted.pairs
    assert (found.skipped, wanted.skipped) == (12, 0)
    assert found.curve()[0].tolist() == wanted.curve()[0].tolist()
    # One file of them, and twice.
    one = EmbeddingShards(tmp_path / "part-0.parquet")
    assert len(np.concatenate(list(one))) == len(np.concatenate(list(one)))
    assert one.skipped == 3


def test_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="no parquet file"):
        EmbeddingShards(tmp_path)
    write(tmp_path / "a.parquet", [[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match=r"`column` must be one of .*path, em"):
        EmbeddingShards(tmp_path, "vector")
    with pytest.raises(ValueError, match="must be lists of numbers"):
        list(EmbeddingShards(tmp_path, "path"))
    write(tmp_path / "b.parquet", [[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="must have 2 numbers"):
        list(EmbeddingShards(tmp_path))
    write(tmp_path / "b.parquet", [[1.0, 2.0, 3.0], [1.0]])
    with pytest.raises(ValueError, match="from 1 to 3"):
        list(EmbeddingShards(tmp_path))
    write(tmp_path / "b.parquet", [[1.0, float("nan")]])
    with pytest.raises(ValueError, match="finite"):
        megaface(np.eye(2), [1, 1], EmbeddingShards(tmp_path))
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="is no parquet file, or damaged"):
        EmbeddingShards(tmp_path)
