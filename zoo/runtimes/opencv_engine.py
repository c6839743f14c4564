"""The network in OpenCV's dnn: nothing else is imported."""

import os
import platform
import queue
import tempfile
from pathlib import Path

import cv2
import numpy as np

from keras_hypersphere.zoo.runtimes.engine import Engine, Run

# Whose convolutions are slow, see `pointwise`.
SLOW = ("4.13.", "4.14.")
X86 = ("x86_64", "AMD64")


def read_net(path: Path) -> "cv2.dnn.Net":
    """Reads an ONNX file, so that this OpenCV computes it fast."""
    slow = cv2.__version__.startswith(SLOW) and platform.machine() in X86
    if not slow:
        return cv2.dnn.readNetFromONNX(str(path))
    from keras_hypersphere.zoo.runtimes.pointwise import with_products

    products = with_products(path)
    # From a file OpenCV takes 20 MB less than from memory.
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / path.name
            file.write_bytes(products)
            return cv2.dnn.readNetFromONNX(str(file))
    except OSError:
        # The disk is full.
        return cv2.dnn.readNetFromONNX(np.frombuffer(products, np.uint8))


class OpenCvEngine(Engine):
    """Runs the card's ONNX file in OpenCV, in float32, crop by crop.

    So an embedding does not depend on what is embedded with it, and batches
    gain nothing. Two threads have a network each. It computes what the
    package holds: a network that was trained on is another engine's.
    """

    name = "opencv"
    libraries = ("cv2",)
    workers = 2

    def require_export(self) -> None:
        raise ValueError(
            "`runtime='opencv'` computes networks that come as an .onnx file "
            f"and were not trained on since: {self.network.card.name} is none. "
            "Take `runtime='auto'` or 'keras'."
        )

    def read(self, path: Path) -> Run:
        idle: queue.LifoQueue = queue.LifoQueue()
        owner = os.getpid()

        def run(x: np.ndarray) -> np.ndarray:
            nonlocal idle, owner
            if owner != os.getpid():
                # A forked process shares no network with its parent.
                idle, owner = queue.LifoQueue(), os.getpid()
            try:
                net = idle.get_nowait()
            except queue.Empty:
                net = read_net(path)
            rows = []
            for crop in x:
                net.setInput(crop[None])
                rows.append(net.forward().reshape(-1))
            idle.put(net)
            return np.stack(rows)

        return run
