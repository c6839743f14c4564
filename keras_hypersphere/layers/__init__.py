"""Layers of keras_hypersphere."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.channel_affine import ChannelAffine
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.layers.zero_extended_add import ZeroExtendedAdd

__all__ = [
    "ASoftmax",
    "ChannelAffine",
    "CosineDense",
    "NormalizeLayer",
    "ZeroExtendedAdd",
]
