"""The processes that train together, as their environment names them."""

import atexit
import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping

import keras

from keras_hypersphere.backend.processes import process_count
from keras_hypersphere.tools.quiet import quiet

# What Keras reads, on JAX.
COUNT = "KERAS_DISTRIBUTION_NUM_PROCESSES"
ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
INDEX = "KERAS_DISTRIBUTION_PROCESS_ID"
# How JAX's errors begin; some are of `ValueError`.
STATUS = re.compile(
    "(ABORTED|CANCELLED|DEADLINE_EXCEEDED|INTERNAL|UNAVAILABLE|UNKNOWN): "
)


def join_processes(environment: Mapping[str, str] = os.environ) -> None:
    """Becomes one of the processes that the environment speaks of.

    Before anything is computed. Alone, nothing is done.

    Raises:
        ValueError: If the environment is of another launcher, is not whole,
            or if Keras has no processes on this backend: each would train a
            network of its own.
    """
    count, addresses = asked_for(environment)
    if count < 2:
        refuse_other_launchers(environment)
        return
    if keras.backend.backend() != "jax":
        raise ValueError(
            f"{count} processes: Keras trains in several on JAX alone. Set "
            "KERAS_BACKEND=jax, or start `train` once, without "
            f"{COUNT} and {ADDRESSES}."
        )
    index = environment.get(INDEX, "").strip()
    if not index.isdecimal() or int(index) >= count:
        raise ValueError(
            f"{INDEX} must be the number of this process, 0 to {count - 1}. "
            f"Received: {index!r}."
        )
    if not addresses:
        raise ValueError(
            f"{ADDRESSES} must be the address of the first process, such as "
            "10.0.0.1:8476. Received: ''."
        )
    try:
        with quiet():  # It imports TensorFlow.
            keras.distribution.initialize(addresses, count, int(index))
    except Exception as error:  # JAX's errors have no common type.
        words = " ".join(str(error).split())
        raise ValueError(
            f"Process {index} of {count} cannot reach the first one, at "
            f"{addresses.split(',')[0]}: {words:.200}"
        ) from error


@contextlib.contextmanager
def ends_at_once() -> Iterator[None]:
    """Lets a process that fails end, so that the others do.

    JAX would have it wait for them, a minute and a half, and them for it.

    Raises:
        ConnectionError: In the place of JAX's, with what to do.
    """
    try:
        yield
    except Exception as error:
        if process_count() == 1:
            raise
        atexit.register(leave)
        words = " ".join(str(error).split())
        if not (isinstance(error, RuntimeError) or STATUS.match(words)):
            raise
        raise ConnectionError(
            "This process cannot go on. If another one has ended, start all "
            f"again with --resume ({words:.200})"
        ) from error


def leave() -> None:
    """Ends this process, whatever else waits for its end."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1)


def asked_for(environment: Mapping[str, str]) -> tuple[int, str]:
    """How many processes Keras's variables speak of, and where they are.

    Raises:
        ValueError: If they contradict each other.
    """
    parts = environment.get(ADDRESSES, "").split(",")
    places = [part.strip() for part in parts if part.strip()]
    said = environment.get(COUNT, "").strip()
    if said and not (said.isdecimal() and int(said)):
        raise ValueError(
            f"{COUNT} must be the number of processes. Received: {said!r}."
        )
    count = int(said) if said else len(places) or 1
    # One address is that of the first process.
    if len(places) > 1 and len(places) != count:
        raise ValueError(
            f"{ADDRESSES} names {len(places)} processes, and {COUNT} says "
            f"that there are {count}. Name each, or the first one alone."
        )
    return count, ",".join(places)


def refuse_other_launchers(environment: Mapping[str, str]) -> None:
    """Refuses to train what each other process would train again."""
    for name, count in {
        "WORLD_SIZE": environment.get("WORLD_SIZE", ""),
        "TF_CONFIG": str(tensorflow_workers(environment)),
        "SLURM_NTASKS": slurm_tasks(environment),
    }.items():
        if count.strip().isdecimal() and int(count) > 1:
            how = " (`srun --ntasks=1`)" if name == "SLURM_NTASKS" else ""
            raise ValueError(
                f"{name} says that there are {int(count)} processes, of which "
                f"each would train a network of its own. Set {ADDRESSES}, "
                f"{COUNT} and {INDEX} with KERAS_BACKEND=jax to train one "
                f"together, or start `train` once, without {name}{how}."
            )


def slurm_tasks(environment: Mapping[str, str]) -> str:
    """Tasks of a step of Slurm, of which this process is one.

    A shell of `salloc` sees the count, too, and is no task: it has no number.
    """
    if "SLURM_PROCID" not in environment:
        return ""
    return environment.get("SLURM_NTASKS", "")


def tensorflow_workers(environment: Mapping[str, str]) -> int:
    """Processes that train, as TensorFlow's variable names them."""
    try:
        cluster = json.loads(environment.get("TF_CONFIG", "{}"))["cluster"]
        return sum(len(cluster.get(job, ())) for job in ("chief", "worker"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return 1
