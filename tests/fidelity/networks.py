"""`python -m tests.fidelity.networks`: whole networks, in docs/fidelity.md.

Every network that real Caffe ran is converted on each backend that is
installed, a process each, and every blob is compared; so is the reference
that `verify` holds models against.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.fidelity.report import PAGE, TITLES
from tests.fidelity.whole_networks import (
    TOLERANCE,
    Result,
    replace_section,
    section,
)
from tests.tools.caffe.conftest import FIXTURES, SHARED, Recording

ROOT = Path(__file__).parents[2]
REFERENCE = "reference"


def recordings() -> dict[str, Recording]:
    """By name: those of this repository, and others where they are there."""
    found = {}
    for folder in (SHARED, FIXTURES):
        for meta in sorted((folder / "conversion").glob("*/meta.json")):
            if not json.loads(meta.read_text()).get("not_a_net"):
                found[meta.parent.name] = Recording(meta.parent)
    return dict(sorted(found.items()))


def differences(
    case: Recording, values: dict[str, np.ndarray]
) -> Iterator[float]:
    """Of each recorded blob from ours, over the blob's range."""
    with np.load(case.folder / "blobs.npz") as file:
        recorded = dict(file)
    for blob in case.blobs:
        ours = values[blob]
        theirs = recorded.get(f"blob_{blob}")
        if theirs is None:
            theirs = recorded[f"sample_{blob}"]
            ours = ours.ravel()[recorded[f"sampleidx_{blob}"]]
        yield relative(ours, theirs)


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Infinite where shapes, or places of NaN and huge numbers, differ."""
    usual = np.abs(theirs) < 1e30
    if ours.shape != theirs.shape or not np.array_equal(
        ours[~usual].astype("float32"), theirs[~usual], equal_nan=True
    ):
        return np.inf
    if not usual.any():
        return 0.0
    spread = max(float(np.ptp(theirs[usual])), 1e-6)
    off = np.abs(ours[usual].astype("float64") - theirs[usual]).max()
    return float(off) / spread if np.isfinite(off) else np.inf


def converted(case: Recording) -> dict[str, np.ndarray]:
    """The last value of each blob in our model, in Caffe's order of axes."""
    from keras_hypersphere.tools.caffe import name_map, to_keras
    from keras_hypersphere.tools.caffe.verification.probe import activations

    inputs = case.inputs
    shapes = {name: array.shape[1:] for name, array in inputs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = to_keras(
            case.prototxt, case.caffemodel, input_shapes=shapes, **case.options
        )
    record = name_map(model)
    feed = [inputs[name] for name in record["inputs"]]
    found = {}
    layers, _ = activations(model, record, feed)
    for (_, *tops, _), arrays in layers.items():
        found.update(zip(tops, arrays, strict=True))
    return found


def referred(case: Recording) -> dict[str, np.ndarray]:
    """The same as the float64 reference has it."""
    from keras_hypersphere.tools.caffe import CaffeNetwork
    from keras_hypersphere.tools.caffe.verification.probe import to_caffe

    network = CaffeNetwork.read(case.prototxt, case.caffemodel, **case.options)
    return network.run({n: to_caffe(x) for n, x in case.inputs.items()})


def worst(case: Recording, run: object) -> Result:
    """Number of blobs and the largest difference; what fails is infinite."""
    try:
        found = list(differences(case, run(case)))
        return Result(len(found), max(found))
    except (ValueError, KeyError) as error:
        print(f"{case.folder.name}: {error}", file=sys.stderr)
        return Result(len(case.blobs), np.inf)


def results_on(backend: str) -> dict[str, Result]:
    """Of a process that runs on a backend."""
    command = [sys.executable, "-m", "tests.fidelity.networks", "--results"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        subprocess.run(
            [*command, str(file)],
            env={**os.environ, "KERAS_BACKEND": backend},
            cwd=ROOT,
            check=True,
        )
        found = json.loads(file.read_text())
    return {name: Result(*result) for name, result in found.items()}


def main() -> int:
    """Runs everything; writes the section if nothing failed."""
    cases = recordings()
    if sys.argv[1:2] == ["--results"]:
        found = {name: worst(case, converted) for name, case in cases.items()}
        Path(sys.argv[2]).write_text(json.dumps(found))
        return 0
    runs = {}
    for backend in TITLES:
        if importlib.util.find_spec(backend):
            print(f"{len(cases)} networks on {backend}", file=sys.stderr)
            runs[backend] = results_on(backend)
    runs[REFERENCE] = {n: worst(case, referred) for n, case in cases.items()}
    failed = [
        f"{name} on {run}: off by {result.worst:.1e}"
        for run, results in runs.items()
        for name, result in results.items()
        if not result.worst <= TOLERANCE
    ]
    if failed:
        print("\n".join(failed), file=sys.stderr)
        print(f"{PAGE.name} is left as it was", file=sys.stderr)
        return 1
    if not (SHARED / "conversion").is_dir():
        print("no ../shared: only the networks of this repository were run")
        print(f"all agree; {PAGE.name} is left as it was")
        return 0
    text = replace_section(PAGE.read_text(), section(runs))
    PAGE.write_text(text)
    print(f"{PAGE.relative_to(ROOT)}: {len(cases)} networks are written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
