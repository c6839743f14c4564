"""Layers of TensorFlow Addons."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.addons.layers.maxout import Maxout

__all__ = ["Maxout"]
