"""The metric-learning parts of TensorFlow Addons 0.23, for Keras 3.

`from keras_hypersphere import addons as tfa`: same names, arguments, defaults
and numbers. Classes and functions are registered under the package `Addons`,
as they were, so that configurations written with TensorFlow Addons are read.
"""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.addons import layers, losses

__all__ = ["layers", "losses"]
