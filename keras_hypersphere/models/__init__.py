"""Models that join a backbone and a head."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel

__all__ = ["MarginModel", "with_head"]
