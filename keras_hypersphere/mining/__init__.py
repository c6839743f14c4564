"""Which triplets of a batch to learn from: functions of distance matrices."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.mining.pairwise_distance import pairwise_distance
from keras_hypersphere.mining.select import (
    hard_negatives,
    hard_positives,
    semi_hard_negatives,
)

__all__ = [
    "hard_negatives",
    "hard_positives",
    "pairwise_distance",
    "semi_hard_negatives",
]
