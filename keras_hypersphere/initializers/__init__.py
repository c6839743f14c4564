"""What class weights begin as."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.initializers.unit_sphere import UnitSphere

__all__ = ["UnitSphere"]
