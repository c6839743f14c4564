"""A runtime by its name."""

from collections.abc import Callable

import keras

from keras_hypersphere.zoo.runtimes.automatic import Automatic
from keras_hypersphere.zoo.runtimes.in_keras import InKeras
from keras_hypersphere.zoo.runtimes.onnx_runtime import OnnxRuntime
from keras_hypersphere.zoo.runtimes.openvino_runtime import OpenVinoRuntime

Runtime = Automatic | InKeras | OnnxRuntime | OpenVinoRuntime
RUNTIMES: dict[str, Callable[[keras.Model], Runtime]] = {
    "auto": Automatic,
    "keras": InKeras,
    "onnx": OnnxRuntime,
    "openvino": OpenVinoRuntime,
}


def make_runtime(name: str, model: keras.Model) -> Runtime:
    """Returns what computes `model` for batches of any size.

    Args:
        name: A key of `RUNTIMES`.
        model: The network. Nothing of it is copied before the first batch.

    Raises:
        ValueError: If there is no such runtime, or Keras runs on a backend
            that cannot copy the network for it.
        ImportError: If a library that it needs is not installed.
    """
    if name not in RUNTIMES:
        raise ValueError(
            f"`runtime` must be one of {', '.join(map(repr, RUNTIMES))}. "
            f"Received: runtime={name!r}"
        )
    return RUNTIMES[name](model)
