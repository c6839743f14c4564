"""What weights must be after each update."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.constraints.clip_range import ClipRange
from keras_hypersphere.constraints.unit_vectors import UnitVectors

__all__ = ["ClipRange", "UnitVectors"]
