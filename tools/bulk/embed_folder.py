"""Photos of a folder → a folder of parquet files."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from keras_hypersphere.tools.bulk.engines import (
    ENGINES,
    run_locally,
    run_on_ray,
)
from keras_hypersphere.tools.bulk.photo_source import Listed, open_source
from keras_hypersphere.tools.bulk.shard_folder import RECORD, ShardFolder
from keras_hypersphere.tools.bulk.shard_job import ShardJob, Written
from keras_hypersphere.tools.bulk.shards import Shard, cut
from keras_hypersphere.version import __version__
from keras_hypersphere.zoo.alignment.face_detector import FaceDetector
from keras_hypersphere.zoo.alignment.selection import check_rule
from keras_hypersphere.zoo.faces.bulk_embedder import BulkEmbedder

SHARD_SIZE = 8192


@dataclasses.dataclass
class BulkReport:
    """What `embed_folder` did.

    Args:
        photos: How many the folder has.
        shards: Files of all of them.
        skipped: Those that were there already.
        embeddings: Rows with an embedding, of the files that were written.
        failed: Rows with an error, of the files that were written.
        removed: Files of photos that changed or are no longer there.
        problems: Why, by the name of each file that was not written.
        model: The model's name.
        runtime: What computed the network.
    """

    photos: int = 0
    shards: int = 0
    skipped: int = 0
    embeddings: int = 0
    failed: int = 0
    removed: int = 0
    problems: dict[str, str] = dataclasses.field(default_factory=dict)
    model: str = ""
    runtime: str = ""


def embed_folder(
    folder: "str | os.PathLike",
    out: "str | os.PathLike",
    embedder: BulkEmbedder,
    engine: str = "local",
    shard_size: int = SHARD_SIZE,
    workers: int | None = None,
    progress: Callable[[BulkReport, Written], None] | None = None,
) -> BulkReport:
    """Embeds the photos of a folder into parquet files, a shard each.

    A file is written whole or not at all, and named after a hash of its
    photos' paths, sizes and times and of how they are embedded. Shards that
    are there are not made again: after a stop the same call goes on. Files
    of photos that have changed since are removed when all others are there.
    `_keras_hypersphere.json` in `out` says how they were made, and with
    `complete` whether they are all there.

    Args:
        folder: A local folder, or a URI that pyarrow reads
            (`s3://bucket/photos`).
        out: A local folder or a URI; with several machines one that all
            see.
        embedder: What embeds.
        engine: `"local"`, this process, or `"ray"`, Ray Data.
        shard_size: Photos of a file on average; at most twice as many.
        workers: Processes of Ray. Default: one for two processors.
        progress: It is told of each shard.

    Returns:
        What was done.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it has no photos, an argument is invalid, or `out`
            holds rows of another folder, model or choice.
        OSError: If a folder below it cannot be read.
        ImportError: If pyarrow, Ray, or what the runtime needs is missing.
    """
    check_rule("engine", engine, ENGINES)
    for name, value in (("shard_size", shard_size), ("workers", workers)):
        require_count(name, value)
    require_pyarrow()
    source = open_source(os.fspath(folder))
    target = ShardFolder(os.fspath(out))
    loaded = embedder.embedder
    # Workers elsewhere compute as this process would, or say what they lack.
    runtime = str(loaded.engine)
    embedder = BulkEmbedder(
        embedder.model,
        runtime,
        embedder.batch_size,
        embedder.choose,
        embedder.aligned,
        embedder.detector,
    )
    settings = settings_of(embedder, source.folder, loaded.card.weights_sha256)
    made = {**settings, "model": loaded.card.name, "version": __version__}
    require_same(target, settings)
    report = BulkReport(model=loaded.card.name, runtime=runtime)
    photos = require_photos(source.listed(embedder.aligned), source.folder)
    target.make()
    target.write_record({**made, "complete": False})
    finished, wanted = target.finished(), set[str]()

    def missing() -> Iterator[Shard]:
        for shard in cut(photos, shard_size, settings):
            report.photos += len(shard.paths)
            report.shards += 1
            wanted.add(shard.name)
            if shard.name in finished:
                report.skipped += 1
            else:
                yield shard

    begin = time.time()
    job = ShardJob(source, target, embedder, {**made, "runtime": runtime})
    done = (
        run_locally(job, missing())
        if engine == "local"
        else run_on_ray(job, missing(), workers)
    )
    for written in done:
        report.embeddings += written.embeddings
        report.failed += written.failed
        if written.problem:
            report.problems[written.name] = written.problem
        if progress is not None:
            progress(report, written)
    if not report.problems:
        stale = target.finished() - wanted
        target.remove(stale)
        target.remove_leftovers(begin)
        report.removed = len(stale)
        counts = {"photos": report.photos, "shards": report.shards}
        target.write_record({**made, **counts, "complete": True})
    return report


def settings_of(
    embedder: BulkEmbedder, folder: str, weights: str
) -> dict[str, str]:
    """What rows depend on, apart from the photos.

    The runtime is none of it: runtimes agree to 1e-5.
    """
    detector = embedder.detector
    if not isinstance(detector, FaceDetector):
        detector = FaceDetector(detector)
    return {
        "folder": folder,
        "model_sha256": weights,
        "choose": "aligned" if embedder.aligned else embedder.choose,
        "detector": "none" if embedder.aligned else repr(detector),
    }


def require_same(target: ShardFolder, settings: dict[str, str]) -> None:
    """Refuses a folder whose rows are of something else."""
    record = target.record()
    if record is None:
        if target.finished():
            raise ValueError(
                f"'{target.place}' holds shards, and no {RECORD} that says "
                "how they were made. Name another folder."
            )
        return
    for name, value in settings.items():
        if record.get(name) != value:
            raise ValueError(
                f"'{target.place}' holds rows of another `{name}`: expected "
                f"{value!r}. Received: {record.get(name)!r}. Name another "
                "folder, or remove this one."
            )


def require_photos(photos: Iterator[Listed], folder: str) -> Iterator[Listed]:
    """The photos, of which there must be one."""
    first = next(photos, None)
    if first is None:
        raise ValueError(f"The folder '{folder}' has no pictures.")

    def all_of_them() -> Iterator[Listed]:
        yield first
        yield from photos

    return all_of_them()


def require_count(name: str, value: Any) -> None:
    """Refuses what is no positive whole number; None is the default."""
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int) or value < 1
    ):
        raise ValueError(
            f"`{name}` must be a positive integer. Received: {name}={value!r}"
        )


def require_pyarrow() -> None:
    """Raises if it is not installed, before minutes of work."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Folders of parquet files need pyarrow: "
            "pip install 'keras-hypersphere[parquet]'"
        ) from error
