"""Arrays that are in parts on several devices, in folders of Orbax.

Each process writes the parts that it has, and reads those that it will have:
nobody holds a whole array.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

MISSING = (
    "Weights that are sharded over devices are saved and read by Orbax, which "
    "is not installed. Install it: `pip install orbax-checkpoint`, or "
    "`pip install 'keras-hypersphere[jax]'`"
)


def is_sharded(variable: keras.Variable) -> bool:
    """Whether no device has all of a variable."""
    if keras.backend.backend() != "jax":
        return False
    return not variable.value.is_fully_replicated


def write_sharded(
    folder: Path, variables: Mapping[str, keras.Variable]
) -> None:
    """Writes variables; the folder appears when it is whole.

    All processes must call it. What is in the folder is replaced.
    """
    with checkpointer() as orbax:
        values = {name: each.value for name, each in variables.items()}
        orbax.save(folder.absolute(), values, force=True)
        orbax.wait_until_finished()


def read_sharded(
    folder: Path, variables: Mapping[str, keras.Variable]
) -> dict[str, Any]:
    """The arrays of a folder, in parts as the variables are now.

    All processes must call it.

    Raises:
        ValueError: If the folder is not there, or damaged.
    """
    import jax

    wanted = {
        name: jax.ShapeDtypeStruct(
            each.value.shape, each.value.dtype, sharding=each.value.sharding
        )
        for name, each in variables.items()
    }
    with checkpointer() as orbax:
        try:
            return orbax.restore(folder.absolute(), wanted)
        except (ValueError, OSError, KeyError) as error:
            line = str(error).split("\n", 1)[0]
            raise ValueError(
                f"'{folder}' cannot be read, it is missing or damaged: {line}"
            ) from error


def checkpointer() -> Any:
    """Orbax's, which is loaded where it is needed.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        return importlib.import_module(
            "orbax.checkpoint"
        ).StandardCheckpointer()
    except ImportError as error:
        raise ImportError(MISSING) from error
