"""Several replicas on one machine, for checks; TensorFlow only."""

import contextlib
from typing import Any

import keras

from keras_hypersphere.backend import logical_cpus


def available() -> bool:
    """Whether models can be replicated here."""
    return keras.backend.backend() == "tensorflow"


def prepare(count: int) -> None:
    """Splits the CPU; to be called before the backend is used."""
    if available():
        logical_cpus.split_cpu(count)


def scope(count: int) -> contextlib.AbstractContextManager[Any]:
    """The scope in which to make a model for several replicas."""
    return logical_cpus.mirrored_cpus(count).scope()
