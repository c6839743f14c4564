"""Keras for a few crops, OpenVINO for many."""

import importlib.util
import warnings

import keras
import numpy as np

from keras_hypersphere.zoo.runtimes.in_keras import InKeras
from keras_hypersphere.zoo.runtimes.openvino_runtime import OpenVinoRuntime

# What a copy for OpenVINO takes, it saves on 340 crops to 2,100, as networks
# and batches are: docs/benchmarks.md.
MANY = 512
# How far a copy may be from Keras, relative to the largest number of a batch.
TOLERANCE = 1e-4


class Automatic:
    """Begins in Keras; goes on in OpenVINO once it pays.

    With the 512th crop the network is copied for OpenVINO, if that is
    installed and Keras runs on TensorFlow. The batch is computed by both,
    and the copy is taken if they agree. It stays Keras where they do not or
    where the network cannot be copied, which a warning says, and where
    OpenVINO is missing, silently. Weights that change begin in Keras again.

    ONNX Runtime is not considered: its copy takes several times as long to
    make.

    Args:
        model: The network.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.keras = InKeras(model)
        self.copy: OpenVinoRuntime | None = None
        self.copies = can_copy()
        self.seen = 0

    def renew(self) -> None:
        """Begins again where the weights have changed."""
        if self.copy is not None and self.copy.renew():
            self.copy, self.seen = None, 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if self.copy is not None:
            return self.copy(x)
        found = self.keras(x)
        self.seen += len(x)
        if self.copies and self.seen >= MANY:
            self.try_copy(x, found)
        return found

    def try_copy(self, x: np.ndarray, wanted: np.ndarray) -> None:
        """Makes the copy; keeps it if it computes what Keras does."""
        try:
            copy = OpenVinoRuntime(self.model)
            found = copy(x)
        except Exception as error:  # OpenVINO's errors have no common type.
            words = " ".join(str(error).split())
            why = f"the network cannot be copied for it ({words:.300})"
        else:
            away = np.abs(found - wanted).max()
            if away <= TOLERANCE * np.abs(wanted).max():
                self.copy = copy
                return
            why = f"its embeddings differ from Keras's by {away:.3g}"
        self.copies = False
        warnings.warn(
            f"`runtime='auto'` goes on in Keras instead of OpenVINO: {why}. "
            "`runtime='keras'` does so without this warning.",
            stacklevel=2,
        )


def can_copy() -> bool:
    """Whether OpenVINO is there, and Keras on TensorFlow."""
    return (
        keras.config.backend() == "tensorflow"
        and importlib.util.find_spec("openvino") is not None
    )
