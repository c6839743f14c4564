"""The other process: what it finds wrong, and that it outlives it."""

import os
import sys

import keras
import numpy as np
import pytest

from keras_hypersphere.testing import check_layer, check_loss
from keras_hypersphere.testing import fresh_process as fresh
from keras_hypersphere.testing.subject import Subject
from keras_hypersphere.testing.training import Training

# A module that both processes can import.
MODULE = """
import keras
from keras import ops

register = keras.saving.register_keras_serializable(package="elsewhere")

@register
class Scales(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(), initializer="ones")

    def call(self, inputs):
        return ops.tanh(inputs) * self.w

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

@register
class LosesWeight(Scales):
    def save_own_variables(self, store):
        store["0"] = ops.convert_to_numpy(self.w) + 1.0

@register
class OwnBatch(Scales):
    '''In training it sees the batch of its replica only.'''

    def call(self, inputs, training=None):
        if training:
            inputs = inputs - ops.mean(inputs, axis=0)
        return super().call(inputs)
"""
REST = ["configuration", "shapes", "dtype policies", "edges"]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A package of somebody else; the process starts anew to see it."""
    (tmp_path / "elsewhere.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    process = fresh.FreshProcess()
    monkeypatch.setattr(fresh, "shared", lambda: process)
    import elsewhere

    yield elsewhere
    process.close()
    del sys.modules["elsewhere"]


@pytest.mark.slow
def test_foreign_layers(elsewhere):
    """One test, since each process takes seconds to start."""
    check_layer(elsewhere.Scales, skip=REST)
    with pytest.raises(AssertionError, match="output 0 of the loaded model"):
        check_layer(elsewhere.LosesWeight, skip=[*REST, "replicas"])
    if keras.backend.backend() == "tensorflow":
        with pytest.raises(AssertionError, match="two steps with 2 replicas"):
            check_layer(elsewhere.OwnBatch, skip=REST)
    # Not imported there, not known there; and the process still answers.
    unknown = Subject(elsewhere.Scales, {}, (8, 6))
    training = Training(unknown)
    with pytest.raises(AssertionError, match="No module named 'nowhere'"):
        fresh.check_fresh_process(training, imports=["nowhere"])
    fresh.check_fresh_process(training)


@pytest.mark.slow
def test_losses_of_keras():
    check_loss(
        keras.losses.SparseCategoricalCrossentropy,
        {"from_logits": True},
        skip=["configuration", "values", "labels", "edges"],
    )


def test_a_dead_process_is_reported(monkeypatch):
    process = fresh.FreshProcess()
    process.process.kill()
    monkeypatch.setattr(fresh, "shared", lambda: process)
    training = Training(Subject(keras.layers.Identity, {}, (8, 6)))
    with pytest.raises(AssertionError, match="the process died"):
        fresh.check_fresh_process(training)


def test_gradients_leave_the_state_alone():
    from keras_hypersphere.layers.asoftmax import ASoftmax
    from keras_hypersphere.testing import gradients

    head = ASoftmax(3)
    x = np.ones((2, 4), "float32")
    head.build(x.shape)
    labels = np.array([0, 2])

    def function(x):
        y = head(x, labels, training=True)
        return keras.ops.sum(y), y

    before = int(head.annealing_step)
    result = gradients(function, [x], [head.kernel])
    assert int(head.annealing_step) == before
    assert result.outputs.shape == (2, 3)
    assert result.variables[0].shape == (4, 3)
