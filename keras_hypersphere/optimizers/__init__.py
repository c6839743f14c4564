"""Optimizers with the arithmetic of the original solvers."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.optimizers.caffe_sgd import CaffeSGD

__all__ = ["CaffeSGD"]
