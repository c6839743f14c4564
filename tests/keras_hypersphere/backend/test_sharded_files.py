"""What tests/keras_hypersphere/models/test_sharded_layout.py does not show."""

import sys

import keras
import pytest

from keras_hypersphere.backend import sharded_files


def test_a_missing_orbax_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(ImportError, match="pip install orbax-checkpoint") as e:
        sharded_files.checkpointer()
    assert "\n" not in str(e.value)


def test_one_device_has_all():
    assert not sharded_files.is_sharded(keras.Variable([1.0, 2.0]))
