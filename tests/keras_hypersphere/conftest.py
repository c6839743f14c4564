"""Fixtures of the core's tests: recordings of real Caffe."""

import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / ".." / "shared" / "golden"
FIXTURES = ROOT / "tests" / "fixtures" / "golden"


class Recording:
    """One file of real Caffe's numbers; `[key]` is the float64 run's."""

    def __init__(self, path):
        with np.load(path) as file:
            self.arrays = dict(file)
        self.meta = json.loads(str(self.arrays.pop("meta")))

    def __contains__(self, key):
        return key in self.arrays

    def __getitem__(self, key):
        return self.arrays.get(f"{key}_f64", self.arrays[key])

    def labels(self, key):
        return self.arrays[key].astype("int32").ravel()


@pytest.fixture
def recording():
    """Loads a recording by name, from the fixtures or from ../shared."""

    def load(name):
        for folder in (FIXTURES, GOLDEN):
            path = folder / f"{name}.npz"
            if path.exists():
                return Recording(path)
        pytest.skip(f"no recording {name}.npz: ../shared/golden is absent")

    return load
