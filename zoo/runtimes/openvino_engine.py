"""The network in OpenVINO."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.zoo.runtimes.engine import Engine, Run

# By default OpenVINO computes in bfloat16 where the processor can.
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


class OpenVinoEngine(Engine):
    """Runs the network in OpenVINO on the processor, in float32.

    The copy is made in memory: nothing is written, and no number is stored
    in half precision.
    """

    name = "openvino"
    libraries = ("openvino",)

    def export(self) -> Run:
        return self.compile(self.convert())

    def read(self, path: Path) -> Run:
        return self.compile(str(path))

    def compile(self, model: Any) -> Run:
        """What runs a graph, or an ONNX file."""
        import openvino

        compiled = openvino.compile_model(model, "CPU", EXACT)
        # A compiled model has one place for its input.
        lock = threading.Lock()

        def run(x: np.ndarray) -> np.ndarray:
            with lock:
                return compiled(x, share_inputs=True)[0]

        return run

    def convert(self) -> Any:
        """The network as a graph of OpenVINO's, for batches of any size.

        The weights are constants of the graph: from variables OpenVINO reads
        each many times, which takes twice as long.
        """
        import keras
        import openvino
        import tensorflow as tf

        model = self.network.model
        weights = [
            [keras.ops.convert_to_numpy(variable) for variable in variables]
            for variables in (
                model.trainable_variables,
                model.non_trainable_variables,
            )
        ]

        @tf.function(autograph=False)
        def forward(image: tf.Tensor) -> tf.Tensor:
            constants = [[tf.constant(w) for w in some] for some in weights]
            return model.stateless_call(*constants, image, training=False)[0]

        graph = forward.get_concrete_function(
            tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        )
        whole = openvino.convert_model(graph)
        # Sizes that nobody asked for count as outputs too.
        return openvino.Model(
            [whole.output(graph.outputs[0].name)], whole.get_parameters()
        )
