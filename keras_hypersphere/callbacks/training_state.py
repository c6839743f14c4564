"""A training's state in one file: variables, seeds, and plain values."""

import io
import itertools
import json
import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.backend.processes import assign_whole, whole_array
from keras_hypersphere.npz_damage import DAMAGE

ABOUT = "about"
VERSION = 1


class TrainingState:
    """Arrays and plain values that `write` and `read` keep in an .npz file.

    Nothing in the file is code: it is read without pickle.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.about: dict[str, Any] = {"version": VERSION}

    def keep(self, group: str, variables: Iterable[keras.Variable]) -> None:
        """Keeps the values of variables, with their paths."""
        paths = []
        for index, variable in enumerate(variables):
            values = whole_array(variable)
            if values.dtype.kind == "V" or values.dtype.name == "bfloat16":
                # NumPy's files know no bfloat16; every one is a float32.
                values = values.astype(np.float32)
            self.arrays[f"{group}/{index}"] = values
            paths.append(variable.path)
        self.about[group] = paths

    def put(self, group: str, variables: Iterable[keras.Variable]) -> None:
        """Gives variables the values that were kept.

        Raises:
            ValueError: If they are other variables.
        """
        variables, paths = list(variables), self.about[group]
        values = [self.arrays[f"{group}/{i}"] for i in range(len(paths))]
        given = [f"{v.path} {tuple(v.shape)}" for v in variables]
        kept = [
            f"{path} {value.shape}"
            for path, value in zip(paths, values, strict=True)
        ]
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [value.shape for value in values]:
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
        for variable, value in zip(variables, values, strict=True):
            assign_whole(variable, value)

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
