"""What computes the network of an embedder: OpenCV, Keras, OpenVINO, ONNX.

A runtime is asked at the start of each run of photos for an engine, and the
engine computes them all. It is called with crops, RGB uint8, any number of
them, and returns what the network makes of them as it is now.
"""

from keras_hypersphere.zoo.runtimes.runtime import RUNTIMES, make_runtime

__all__ = ["RUNTIMES", "make_runtime"]
