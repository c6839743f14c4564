"""Batches and labels on their way into a model."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.data.balanced_batches import BalancedBatches
from keras_hypersphere.data.balanced_dataset import balanced_dataset
from keras_hypersphere.data.labels_as_input import labels_as_input

__all__ = ["BalancedBatches", "balanced_dataset", "labels_as_input"]
