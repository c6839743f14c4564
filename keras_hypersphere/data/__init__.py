"""Batches and labels on their way into a model."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.data.labels_as_input import labels_as_input

__all__ = ["labels_as_input"]
