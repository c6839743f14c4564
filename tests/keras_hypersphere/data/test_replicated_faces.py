"""Photos under `MirroredStrategy`: the weights are those of one device."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="replicas are tf.distribute's")
def test_two_replicas_train_as_one_device(tmp_path):
    """Batches as well as data sets, with gradients that are clipped."""
    done = subprocess.run(
        [
            *(sys.executable, "-m"),
            "tests.keras_hypersphere.data.replicated_faces",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["batches"] < 1e-5
    assert found["dataset"] < 1e-5
