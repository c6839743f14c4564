import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
SHARED = ROOT / ".." / "shared"
FIXTURES = ROOT / "tests" / "fixtures" / "caffe"


class Recording:
    """A network that real Caffe ran, with every blob it made."""

    def __init__(self, folder):
        self.folder = folder
        self.meta = json.loads((folder / "meta.json").read_text())
        as_run = folder / "as_run.prototxt"
        self.prototxt = (
            as_run if as_run.exists() else folder / "deploy.prototxt"
        )
        model = folder / "model.caffemodel"
        hdf5 = folder / "model.caffemodel.h5"
        self.caffemodel = next((p for p in (model, hdf5) if p.exists()), None)
        self.options = {
            "phase": self.meta["phase"],
            "stages": self.meta["stages"].split(),
            "level": self.meta["level"],
        }

    @property
    def inputs(self):
        """By blob name, channels-last."""
        names = list(self.meta["inputs"])
        one = self.folder / "input.npy"
        files = [
            one if one.exists() else self.folder / f"input_{name}.npy"
            for name in names
        ]
        return {
            name: channels_last(np.load(file))
            for name, file in zip(names, files, strict=True)
        }

    def difference(self, blob, values):
        """Largest difference over the range; values as the model has them."""
        recorded = np.load(self.folder / "blobs.npz")
        values = channels_first(keras.ops.convert_to_numpy(values))
        if f"blob_{blob}" in recorded:
            expected = recorded[f"blob_{blob}"]
            assert values.shape == expected.shape
        else:
            expected = recorded[f"sample_{blob}"]
            values = values.ravel()[recorded[f"sampleidx_{blob}"]]
        usual = np.abs(expected) < 1e30
        np.testing.assert_array_equal(values[~usual], expected[~usual])
        if not usual.any():
            return 0.0
        spread = max(np.ptp(expected[usual]), 1e-6)
        return float(np.abs(values - expected)[usual].max() / spread)

    @property
    def blobs(self):
        recorded = np.load(self.folder / "blobs.npz")
        return {
            key.partition("_")[2]
            for key in recorded
            if key.startswith(("blob_", "sample_"))
        }


def channels_last(array):
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def channels_first(array):
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


def find(kind, name):
    for folder in (FIXTURES / kind / name, SHARED / kind / name):
        if folder.is_dir():
            return folder
    pytest.skip(f"{name} is neither a fixture nor in ../shared/{kind}")


@pytest.fixture
def recording():
    """Recording by name: a fixture, or read from ../shared."""
    return lambda name: Recording(find("conversion", name))


@pytest.fixture
def refused():
    return lambda name: find("refused", name)


@pytest.fixture
def write(tmp_path):
    """Writes a prototxt and returns its path."""

    def write_text(text, name="net.prototxt"):
        path = tmp_path / name
        path.write_text(text)
        return os.fspath(path)

    return write_text


@pytest.fixture
def sample():
    from keras_hypersphere.tools.samples import train

    return train.PROTOTXT, train.CAFFEMODEL
