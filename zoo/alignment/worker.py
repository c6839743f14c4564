"""The detector in a process of its own, where Keras runs on TensorFlow.

PyPI's mtcnn raises where Keras runs on JAX or PyTorch, and the backend of a
process is fixed when Keras is imported. So `DetectorProcess` starts
`python -m keras_hypersphere.zoo.alignment.worker` once, with
`KERAS_BACKEND=tensorflow`, sends it images through a pipe and reads rows.

A message is a NumPy `.npy` file, preceded by its length in 8 bytes.
"""

import atexit
import io
import os
import subprocess
import sys
import threading
from typing import IO

import numpy as np

LENGTH_BYTES = 8


def send(pipe: IO[bytes], array: np.ndarray) -> None:
    """Writes one array."""
    message = io.BytesIO()
    np.save(message, array, allow_pickle=False)
    data = message.getvalue()
    pipe.write(len(data).to_bytes(LENGTH_BYTES, "little"))
    pipe.write(data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> np.ndarray | None:
    """Reads one array; None where the other side has left."""
    head = pipe.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "little")
    data = pipe.read(length)
    if len(data) < length:
        return None
    return np.load(io.BytesIO(data), allow_pickle=False)


class DetectorProcess:
    """A running worker: `search(photos)` as in `mtcnn_search.py`.

    It ends with this process, and is started again if it has died.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen | None = None
        atexit.register(self.close)

    def search(self, photos: np.ndarray) -> np.ndarray:
        """Finds faces in RGB uint8 pixels; rows of `mtcnn_search.search`."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.start()
            try:
                send(self.process.stdin, photos)
                rows = receive(self.process.stdout)
            except BrokenPipeError:
                rows = None
            except BaseException:
                # Its answer, still to come, would be that of the next photo.
                self.process.kill()
                self.process.wait()
                raise
            if rows is None:
                code = self.process.wait()
                raise RuntimeError(
                    "The detection process, which runs mtcnn under "
                    f"KERAS_BACKEND=tensorflow, ended with code {code}; its "
                    "words are above. Is tensorflow installed?"
                )
            return rows

    def start(self) -> None:
        """Starts the worker; its notices go to stderr."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name if __spec__ else __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is this process's to answer; the worker ends with it.
            start_new_session=True,
            env={
                **os.environ,
                "KERAS_BACKEND": "tensorflow",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                # The parent may have been started from a source tree.
                "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            },
        )

    def close(self) -> None:
        """Ends the worker."""
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
            self.process = None


def serve() -> None:
    """Answers photos on stdin with rows on stdout until stdin ends."""
    # Only answers may go to the pipe: print, C++ included, goes to stderr.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from keras_hypersphere.zoo.alignment.mtcnn_search import search

    while (photos := receive(sys.stdin.buffer)) is not None:
        send(answers, search(photos))


if __name__ == "__main__":
    serve()
