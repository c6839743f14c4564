"""The network in ONNX Runtime."""

import tempfile
from pathlib import Path

import numpy as np

from keras_hypersphere.zoo.runtimes.engine import Engine, Run


class OnnxEngine(Engine):
    """Runs the network in ONNX Runtime on the processor, in float32.

    A model is exported by tf2onnx to a file, which is gone as soon as it was
    read.
    """

    name = "onnx"
    libraries = ("onnxruntime",)
    exporters = ("tf2onnx",)

    def export(self) -> Run:
        import keras

        model = self.network.model
        # Without it Keras exports no model that it has not called yet.
        shape = (None, *model.input_shape[1:])
        spec = keras.InputSpec(dtype="float32", shape=shape, name="image")
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model.onnx")
            model.export(
                path, format="onnx", verbose=False, input_signature=[spec]
            )
            return self.read(Path(path))

    def read(self, path: Path) -> Run:
        import onnxruntime

        session = onnxruntime.InferenceSession(
            str(path), providers=["CPUExecutionProvider"]
        )
        [image] = session.get_inputs()

        def run(x: np.ndarray) -> np.ndarray:
            return session.run(None, {image.name: x})[0]

        return run
