"""Where the network of an embedder computes: Keras, OpenVINO, ONNX Runtime.

A runtime is called with a batch of preprocessed crops of any size, and
returns their embeddings. `renew()`, which every call of an embedder begins
with, sees to it that these are embeddings of the weights as they are now.
"""

from keras_hypersphere.zoo.runtimes.choice import RUNTIMES, make_runtime

__all__ = ["RUNTIMES", "make_runtime"]
