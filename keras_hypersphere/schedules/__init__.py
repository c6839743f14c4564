"""Schedules of keras_hypersphere."""

import keras  # noqa: F401  first: see registration.py
