"""A training is of one process."""

import json
import os
from collections.abc import Mapping

# What launchers set: Keras on JAX, and torchrun.
COUNTS = ("KERAS_DISTRIBUTION_NUM_PROCESSES", "WORLD_SIZE")
SLURM = " (`srun --ntasks=1`)"
ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"


def require_one_process(environment: Mapping[str, str] = os.environ) -> None:
    """Refuses to be one of several, which would each train a network.

    Raises:
        ValueError: If the environment says that this process has others.
    """
    counts = {name: environment.get(name, "") for name in COUNTS}
    counts["TF_CONFIG"] = str(tensorflow_workers(environment))
    # One address may be that of the first of many: then the count tells.
    addresses = environment.get(ADDRESSES, "").split(",")
    counts[ADDRESSES] = str(sum(bool(part.strip()) for part in addresses))
    counts["SLURM_NTASKS"] = slurm_tasks(environment)
    for name, count in counts.items():
        if count.strip().isdecimal() and int(count) > 1:
            how = SLURM if name == "SLURM_NTASKS" else ""
            raise ValueError(
                f"`train` runs in one process, and {name} says that there are "
                f"{int(count)}: each would train a network of its own. Start "
                f"it once, without {name}{how}, with --devices N for the "
                "devices of one machine; for several machines, call `fit` as "
                "docs/distribution.md shows."
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
