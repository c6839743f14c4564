"""Saved models, loaded by a process that never made the object.

Starting a process with a backend takes seconds, so one serves all checks of
this process: it has imported `keras_hypersphere` and whatever modules the
check names, and knows nothing else about what it loads.
"""

import atexit
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.testing import replicas
from keras_hypersphere.testing.subject import BATCH
from keras_hypersphere.testing.training import Training, compare

CHECK = "fresh process"
REPLICAS = "replicas"
OUTPUT_TOLERANCE = 1e-5


class FreshProcess:
    """The process on the other side, and what it is told."""

    def __init__(self) -> None:
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "keras_hypersphere.testing.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={
                **os.environ,
                "KERAS_BACKEND": keras.backend.backend(),
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "CUDA_VISIBLE_DEVICES": "-1",
            },
        )
        self.lock = threading.Lock()
        atexit.register(self.close)

    def ask(self, request: dict) -> str | None:
        """Sends a request, waits for its end; returns its error, if any."""
        with self.lock:
            try:
                self.process.stdin.write(json.dumps(request) + "\n")
                self.process.stdin.flush()
                line = self.process.stdout.readline()
            except BrokenPipeError:
                line = ""
        if not line:
            self.errors.seek(0)
            return f"the process died:\n{self.errors.read()[-2000:]}"
        return json.loads(line)["error"]

    def close(self) -> None:
        """Lets the process end."""
        # A process that died has closed its end.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
        self.errors.close()
        atexit.unregister(self.close)


@functools.cache
def shared() -> FreshProcess:
    """The one process of this process; it starts while others work."""
    return FreshProcess()


def modules(factory: Any) -> list[str]:
    """What a user would have to import for the object to be known."""
    module = getattr(factory, "__module__", "")
    top = module.partition(".")[0]
    known = top in ("keras", "__main__", "builtins", "functools", "")
    return ["keras_hypersphere", *([] if known else [top])]


def check_fresh_process(
    training: Training,
    trained: Sequence[np.ndarray] | None = None,
    imports: Sequence[str] | None = None,
) -> None:
    """`.keras` round trip, and training on two replicas.

    Args:
        training: model and data.
        trained: weights after training here, on one replica; None leaves
            the check of replicas out.
        imports: modules to import before loading; None for the package of
            the subject.
    """
    wanted = training.outputs()
    training.compile("auto")
    trainable = trained is not None and replicas.available()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        training.model.save(place / "model.keras")
        feeds: dict[str, Any] = {
            f"feed_{k}": v for k, v in training.feeds.items()
        }
        targets: dict[str, Any] = {
            f"target_{i}": t for i, t in enumerate(training.targets)
        }
        np.savez(place / "data.npz", **feeds, **targets)
        error = shared().ask(
            {
                "model": str(place / "model.keras"),
                "data": str(place / "data.npz"),
                "results": str(place / "results.npz"),
                "imports": list(
                    modules(training.subject.factory)
                    if imports is None
                    else imports
                ),
                "labels": [training.label] if training.label else [],
                "batch": BATCH,
                "replicas": 2 if trainable else 0,
            }
        )
        if error:
            training.subject.fail(CHECK, error)
        with np.load(place / "results.npz") as results:
            found = dict(results)
    for index, output in enumerate(wanted):
        training.subject.require_close(
            CHECK,
            f"output {index} of the loaded model",
            found[f"output_{index}"],
            np.asarray(output),
            OUTPUT_TOLERANCE,
        )
    if trainable:
        weights = [found[f"weight_{i}"] for i in range(len(trained))]
        compare(training, "2 replicas", weights, list(trained), REPLICAS)
