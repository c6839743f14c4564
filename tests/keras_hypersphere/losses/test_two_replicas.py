"""The quick part of test_triplet_replicas: values, without training."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.only_on("tensorflow", reason="replicas are tf.distribute's")
@pytest.mark.slow
def test_two_replicas_give_what_one_gives():
    module = "tests.keras_hypersphere.losses.two_replicas"
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert {"all", "harmonic", "circle", "supervised"} < found.keys()
    for name, (several, one) in found.items():
        assert one > 0.1, name
        assert several == pytest.approx(one, rel=1e-5), name
