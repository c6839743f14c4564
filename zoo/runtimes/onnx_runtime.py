"""The network in ONNX Runtime."""

import tempfile
from pathlib import Path

import keras
import numpy as np

from keras_hypersphere.zoo.runtimes.exported import Exported, Run


class OnnxRuntime(Exported):
    """Runs the network in ONNX Runtime on the processor, in float32.

    Keras exports it by tf2onnx to a file, which is gone as soon as it was
    read.
    """

    name = "onnx"
    libraries = ("onnxruntime", "tf2onnx")

    def export(self) -> Run:
        import onnxruntime

        # Without it Keras exports no model that it has not called yet.
        shape = (None, *self.model.input_shape[1:])
        spec = keras.InputSpec(dtype="float32", shape=shape, name="image")
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model.onnx")
            self.model.export(
                path, format="onnx", verbose=False, input_signature=[spec]
            )
            session = onnxruntime.InferenceSession(
                path, providers=["CPUExecutionProvider"]
            )
        [image] = session.get_inputs()

        def run(x: np.ndarray) -> np.ndarray:
            return session.run(None, {image.name: x})[0]

        return run
