"""A training's state in one file: variables, seeds, and plain values.

Variables that are sharded over devices lie in a folder next to it, to which
the file refers. So the state changes when the file does.
"""

import io
import itertools
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.backend.processes import (
    assign_whole,
    is_first_process,
    wait_for_all,
    whole_array,
)
from keras_hypersphere.backend.sharded_files import (
    is_sharded,
    read_sharded,
    write_sharded,
)
from keras_hypersphere.npz_damage import DAMAGE

ABOUT = "about"
SHARDS = "shards-"
VERSION = 1


class TrainingState:
    """Arrays and plain values that `write` and `read` keep in an .npz file.

    Nothing in the file is code: it is read without pickle. With several
    processes all must call the same methods.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.about: dict[str, Any] = {"version": VERSION}
        # By group, and then by index in it.
        self.sharded: dict[str, dict[str, keras.Variable]] = {}
        self.folder: Path | None = None

    def keep(self, group: str, variables: Iterable[keras.Variable]) -> None:
        """Keeps the values of variables, with their paths."""
        paths = []
        for index, variable in enumerate(variables):
            paths.append(variable.path)
            if is_sharded(variable):
                self.sharded.setdefault(group, {})[str(index)] = variable
                continue
            values = whole_array(variable)
            if values.dtype.kind == "V" or values.dtype.name == "bfloat16":
                # NumPy's files know no bfloat16; every one is a float32.
                values = values.astype(np.float32)
            self.arrays[f"{group}/{index}"] = values
        self.about[group] = paths

    def put(self, group: str, variables: Iterable[keras.Variable]) -> None:
        """Gives variables the values that were kept.

        Raises:
            ValueError: If they are other variables.
        """
        variables, paths = list(variables), self.about[group]
        in_parts = self.about.get("sharded", {}).get(group, {})
        kept_shapes = [
            tuple(in_parts[str(i)])
            if str(i) in in_parts
            else self.arrays[f"{group}/{i}"].shape
            for i in range(len(paths))
        ]
        given = [f"{v.path} {tuple(v.shape)}" for v in variables]
        kept = [
            f"{path} {shape}"
            for path, shape in zip(paths, kept_shapes, strict=True)
        ]
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != kept_shapes:
            # Names may differ, as Keras numbers layers; shapes may not.
            pairs = itertools.zip_longest(given, kept, fillvalue="none")
            first, other = next(
                (a, b)
                for a, b in pairs
                if a.rpartition(" (")[2] != b.rpartition(" (")[2]
            )
            raise ValueError(
                f"expected {len(given)} variables of the {group}, among them "
                f"{first}. Received: {len(kept)}, in its place {other}"
            )
        for index, variable in enumerate(variables):
            if str(index) not in in_parts:
                assign_whole(variable, self.arrays[f"{group}/{index}"])
        if in_parts and self.folder:
            parted = {name: variables[int(name)] for name in in_parts}
            found = read_sharded(self.folder / group, parted)
            for name, variable in parted.items():
                variable.assign(found[name])

    def named(self, group: str) -> dict[tuple[str, int], np.ndarray]:
        """The values of variables by path, see `with_keys`."""
        return {
            key: self.arrays[f"{group}/{index}"]
            for index, key in enumerate(keys(self.about[group]))
        }

    def keep_values(self, name: str, values: dict[str, Any]) -> None:
        """Keeps what of some values is plain: numbers, texts, arrays, lists."""
        self.about[name] = {
            key: packed
            for key, value in values.items()
            if (packed := self.pack(f"{name}/{key}", value))
            is not NotImplemented
        }

    def values(self, name: str) -> dict[str, Any]:
        """What `keep_values` kept."""
        found = self.about.get(name, {})
        return {key: self.unpack(value) for key, value in found.items()}

    def pack(self, name: str, value: Any) -> Any:
        """A value as JSON has it; arrays are set apart."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, np.generic) and value.dtype.kind in "biuf":
            return value.item()
        if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
            self.arrays[name] = value
            return {"array": name}
        if isinstance(value, (list, tuple)):
            parts = [self.pack(f"{name}/{i}", v) for i, v in enumerate(value)]
            return NotImplemented if NotImplemented in parts else parts
        if isinstance(value, dict) and all(isinstance(k, str) for k in value):
            items = {k: self.pack(f"{name}/{k}", v) for k, v in value.items()}
            if NotImplemented in items.values():
                return NotImplemented
            return {"dict": items}
        return NotImplemented

    def unpack(self, value: Any) -> Any:
        """The value that `pack` was given; tuples are lists."""
        if isinstance(value, list):
            return [self.unpack(each) for each in value]
        if isinstance(value, dict) and "array" in value:
            return self.arrays[value["array"]]
        if isinstance(value, dict):
            return {k: self.unpack(v) for k, v in value["dict"].items()}
        return value

    def save(self, path: Path, name: str) -> None:
        """Replaces the state in a folder, at once.

        Args:
            path: The file. What is sharded goes into a folder beside it.
            name: What the state is of; another one than that of the state
                that is replaced.
        """
        folder = path.with_name(SHARDS + name)
        for group, variables in self.sharded.items():
            write_sharded(folder / group, variables)
        if self.sharded:
            self.about["folder"] = folder.name
            self.about["sharded"] = {
                group: {i: list(v.shape) for i, v in variables.items()}
                for group, variables in self.sharded.items()
            }
        if is_first_process():
            self.write(path)
            for other in path.parent.glob(SHARDS + "*"):
                if not self.sharded or other != folder:
                    shutil.rmtree(other, ignore_errors=True)
        # Nobody goes on before there is something to come back to.
        wait_for_all("TrainingState")

    def write(self, path: Path) -> None:
        """Replaces the file by a complete one that is on the disk."""
        about = np.frombuffer(json.dumps(self.about).encode(), np.uint8)
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {**self.arrays, ABOUT: about}
        np.savez(buffer, **arrays)
        with atomic_write(path) as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        # The new name is on the disk when the folder is.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @classmethod
    def read(cls, path: Path) -> "TrainingState":
        """Reads a file of `write`.

        Raises:
            ValueError: If it is none, or damaged.
        """
        state = cls()
        try:
            with np.load(path, allow_pickle=False) as file:
                state.arrays = {name: file[name] for name in file.files}
            state.about = json.loads(state.arrays.pop(ABOUT).tobytes())
            known = state.about["version"] == VERSION
            if "folder" in state.about:
                state.folder = path.parent / Path(state.about["folder"]).name
        except DAMAGE as error:
            raise ValueError(
                f"'{path}' is no state of a training, or is damaged: {error}. "
                "Remove it to begin anew."
            ) from error
        if not known:
            raise ValueError(
                f"'{path}' was written by another version of "
                "keras_hypersphere. Remove it to begin anew."
            )
        return state


def keys(paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    """A path, and how many of that path came before."""
    seen: Counter[str] = Counter()
    for path in paths:
        yield path, seen[path]
        seen[path] += 1


def with_keys(
    variables: Sequence[keras.Variable],
) -> Iterator[tuple[tuple[str, int], keras.Variable]]:
    """Variables with their keys."""
    return zip(keys(v.path for v in variables), variables, strict=True)


def random_states() -> dict[str, Any]:
    """Where Python's and NumPy's global random numbers are."""
    version, words, normal = random.getstate()
    kind, keys, *rest = np.random.get_state()
    return {
        "python": [version, np.array(words, np.uint64), normal],
        "numpy": [kind, keys, *rest],
    }


def set_random_states(states: dict[str, Any]) -> None:
    """Goes back to what `random_states` returned."""
    version, words, normal = states["python"]
    random.setstate((version, tuple(int(w) for w in words), normal))
    np.random.set_state(tuple(states["numpy"]))
