"""Models that join a backbone and a head."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.models.sharded_layout import sharded_layout

__all__ = ["MarginModel", "sharded_layout", "with_head"]
