"""One recording of real Caffe: its arrays, and the network that ran.

The protocol of this package: `replays/<family>.py` has a function

    replay(recording: Recording) -> dict[str, tuple[ours, theirs]]

of NumPy arrays, by the array's name in the file (`top0`, `s1_bottom_diff0`,
`blob_cosms`, ...). It runs our public objects on the recorded input and
compares nothing; `ledger.py` does. It raises `NoCounterpart` where we have no
such thing at all.
"""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format

from keras_hypersphere.caffe_format import LayerParameter, NetParameter

FOLDER = Path(__file__).parents[1] / "fixtures" / "golden"


class NoCounterpart(Exception):
    """None of our objects computes what a recording holds."""


class Recording:
    """A file of real Caffe's numbers.

    `[key]` is the float64 run's array, where there is one; `float32(key)` is
    what `Net<float>` read or computed, and what ours reads.
    """

    def __init__(self, path: Path):
        with np.load(path) as file:
            self.arrays = dict(file)
        self.name = path.stem
        self.meta = json.loads(str(self.arrays.pop("meta")))

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def __getitem__(self, key: str) -> np.ndarray:
        found = self.arrays.get(f"{key}_f64")
        return self.arrays[key] if found is None else found

    def float32(self, key: str) -> np.ndarray:
        return self.arrays[key].astype("float32")

    def labels(self, key: str) -> np.ndarray:
        return self.arrays[key].astype("int32").ravel()

    @property
    def group(self) -> str:
        """The recording's group in the table of the docs."""
        if self.meta["emulated"]:
            return "gpuemul"
        if self.meta["kind"] == "trajectory":
            return "trajectory"
        return self.meta["layer_type"]

    @property
    def prefixes(self) -> list[str]:
        """What the keys of each step begin with."""
        steps = self.meta["steps"]
        return [f"s{k}_" for k in range(steps)] if steps > 1 else [""]

    @functools.cached_property
    def net(self) -> NetParameter:
        """The network that ran."""
        return text_format.Parse(self.meta["prototxt"], NetParameter())

    def layer(self, name: str = "L") -> LayerParameter:
        """A layer of the network; `L` is the recorded one."""
        return next(layer for layer in self.net.layer if layer.name == name)


def names(pattern: str = "*") -> list[str]:
    """Names of recordings, sorted."""
    return sorted(path.stem for path in FOLDER.glob(f"{pattern}.npz"))


def load(name: str) -> Recording:
    """Reads a recording by its name, a file name without `.npz`."""
    path = FOLDER / f"{name}.npz"
    if not path.is_file():
        raise FileNotFoundError(f"no recording {path}")
    return Recording(path)


def option(message: Any, name: str, absent: Any = None) -> Any:
    """A field of a message as the prototxt has it; `absent` if it has not."""
    return getattr(message, name) if message.HasField(name) else absent
