"""Starts the processes of a script in this folder."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def addresses(count):
    """Free ports; another program may take one before we do."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ",".join(f"127.0.0.1:{port}" for port in ports)


def run(script, backend, count, folder=None):
    """Starts the workers, waits for all; returns their exits and errors."""
    module = f"tests.keras_hypersphere.workers.{script}"
    together = addresses(count)
    processes = []
    for index in range(count):
        given = [str(index), together]
        if folder:
            given.append(str(folder / f"{index}.npz"))
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", module, *given],
                cwd=ROOT,
                env={**os.environ, "KERAS_BACKEND": backend},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    errors = [process.communicate(timeout=600)[1] for process in processes]
    return [process.returncode for process in processes], errors
