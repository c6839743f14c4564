"""Layers of keras_hypersphere."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.normalize_layer import NormalizeLayer

__all__ = ["ASoftmax", "CosineDense", "NormalizeLayer"]
