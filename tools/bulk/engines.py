"""What makes shards: this process, or the workers of Ray Data."""

import itertools
import logging
import os
import pickle
from collections.abc import Iterable, Iterator
from typing import Any

from keras_hypersphere.tools.bulk.shard_job import ShardJob, Written
from keras_hypersphere.tools.bulk.shards import Shard

ENGINES = ("local", "ray")
# Shards whose lists of photos are handed over at a time.
WINDOW = 1024
# Processors of a worker: OpenCV computes two photos at a time.
PROCESSORS = 2


def run_locally(job: ShardJob, shards: Iterable[Shard]) -> Iterator[Written]:
    """Makes one shard after the other, here."""
    return map(job, shards)


class Worker:
    """A process of Ray's that makes shards.

    Args:
        job: What it does.
        processors: How many it has.
    """

    def __init__(self, job: ShardJob, processors: int) -> None:
        import cv2

        # Or each worker would take all that the machine has.
        cv2.setNumThreads(processors)
        self.job = job

    def __call__(self, batch: dict[str, Any]) -> dict[str, list]:
        done = [self.job(pickle.loads(shard)) for shard in batch["shard"]]
        return {"written": [pickle.dumps(each) for each in done]}


def run_on_ray(
    job: ShardJob, shards: Iterable[Shard], workers: int | None = None
) -> Iterator[Written]:
    """Makes shards in the worker processes of Ray Data, as they are done.

    The cluster is that of `ray.init`: the environment's `RAY_ADDRESS`, or
    one on this machine, which ends with this process. A worker that dies is
    started again with its shard.

    Args:
        job: What makes a shard.
        shards: Asked for as they are handed over.
        workers: How many processes. Default: one for two processors.

    Raises:
        ImportError: If Ray is not installed.
    """
    try:
        import ray.data
    except ImportError as error:
        raise ImportError(
            "`--engine ray` needs Ray Data: pip install "
            f"'keras-hypersphere[ray]' ({error})"
        ) from error
    # Nothing is told to anybody unless the user says so.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Its notices would come after the line that tells how it ended.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    ours = not ray.is_initialized()
    if ours:
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    try:
        quieten(ray.data)
        there = max(1, int(ray.cluster_resources().get("CPU", 1)))
        workers = workers or max(1, there // PROCESSORS)
        processors = min(PROCESSORS, max(1, there // workers))
        remaining = iter(shards)
        while window := list(itertools.islice(remaining, WINDOW)):
            items = [{"shard": pickle.dumps(shard)} for shard in window]
            done = ray.data.from_items(
                items, override_num_blocks=len(items)
            ).map_batches(
                Worker,
                batch_size=1,
                concurrency=min(workers, len(items)),
                num_cpus=processors,
                fn_constructor_args=(job, processors),
            )
            for row in done.iter_rows():
                yield pickle.loads(row["written"])
    finally:
        if ours:
            ray.shutdown()


def quieten(data: Any) -> None:
    """Progress is told by the command, not by Ray's log."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
