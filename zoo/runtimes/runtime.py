"""A runtime by its name, and what `"auto"` takes."""

import importlib.util
import warnings
from collections.abc import Callable

import numpy as np

from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.runtimes.engine import Engine
from keras_hypersphere.zoo.runtimes.keras_engine import KerasEngine
from keras_hypersphere.zoo.runtimes.onnx_engine import OnnxEngine
from keras_hypersphere.zoo.runtimes.opencv_engine import OpenCvEngine
from keras_hypersphere.zoo.runtimes.openvino_engine import OpenVinoEngine

ENGINES: dict[str, Callable[[Network], "Engine | KerasEngine"]] = {
    "opencv": OpenCvEngine,
    "keras": KerasEngine,
    "onnx": OnnxEngine,
    "openvino": OpenVinoEngine,
}
RUNTIMES = ("auto", *ENGINES)
# Photos from which on the faster engine saves more than its start takes:
# where it reads the file, and where Keras must copy a model for it.
MANY, MANY_TO_COPY = 100, 512
# How far a copy may be from Keras, relative to the largest number.
TOLERANCE = 1e-4


class Runtime:
    """Gives each run of photos an engine, which computes all of it.

    `"auto"` reads the card's file where it has one that engines read: in
    OpenVINO for 100 photos a run or more, where it is installed, else in
    OpenCV. Other networks are computed in Keras, and from 512 photos a run on
    in OpenVINO, if that is installed, Keras is on TensorFlow and the copy
    agrees.

    Args:
        name: One of `RUNTIMES`.
        network: The network. Nothing is made of it before the first run.
    """

    def __init__(self, name: str, network: Network) -> None:
        self.name, self.network = name, network
        self.engines: dict[str, Engine | KerasEngine] = {}
        self.copies = True
        if name != "auto":
            self.engine(name)

    def engine(self, name: str) -> "Engine | KerasEngine":
        """The engine of a name, made once."""
        if name not in self.engines:
            self.engines[name] = ENGINES[name](self.network)
        return self.engines[name]

    def start(self, count: int | None = None) -> "Engine | KerasEngine":
        """Returns what computes the next `count` photos; None: not known."""
        if self.name != "auto":
            return self.engine(self.name).start()
        many = count is not None and count >= MANY
        if self.network.file is not None:
            faster = many and has("openvino")
            return self.engine("openvino" if faster else "opencv").start()
        if many and count >= MANY_TO_COPY and self.copies:
            copy = self.copy()
            if copy is not None:
                return copy
        return self.engine("keras").start()

    def copy(self) -> "Engine | KerasEngine | None":
        """The model in OpenVINO, if that computes what Keras does."""
        import keras

        if keras.config.backend() != "tensorflow" or not has("openvino"):
            return None
        crop = golden_crop(self.network.card)[None]
        wanted = self.engine("keras").start()(crop)
        try:
            copy = self.engine("openvino").start()
            found = copy(crop)
        except Exception as error:  # OpenVINO's errors have no common type.
            words = " ".join(str(error).split())
            why = f"the network cannot be copied for it ({words:.300})"
        else:
            away = np.abs(found - wanted).max()
            if away <= TOLERANCE * np.abs(wanted).max():
                return copy
            why = f"its embeddings differ from Keras's by {away:.3g}"
        self.copies = False
        warnings.warn(
            f"`runtime='auto'` stays with Keras instead of OpenVINO: {why}. "
            "`runtime='keras'` does so without this warning.",
            stacklevel=3,
        )
        return None


def make_runtime(name: str, network: Network) -> Runtime:
    """Returns what gives engines for a network.

    Args:
        name: One of `RUNTIMES`.
        network: The network.

    Raises:
        ValueError: If there is no such runtime, or it cannot compute this
            network here.
        ImportError: If a library that it needs is not installed.
    """
    if name not in RUNTIMES:
        raise ValueError(
            f"`runtime` must be one of {', '.join(map(repr, RUNTIMES))}. "
            f"Received: runtime={name!r}"
        )
    return Runtime(name, network)


def has(library: str) -> bool:
    """Whether a library is installed; it is not imported."""
    try:
        return importlib.util.find_spec(library) is not None
    except ValueError:  # `sys.modules` says None.
        return False
