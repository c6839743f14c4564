"""Conformance checks for layers, heads and losses; also for your own."""

from keras_hypersphere.testing.gradients import gradients
from keras_hypersphere.testing.head_suite import check_head
from keras_hypersphere.testing.layer_suite import check_layer
from keras_hypersphere.testing.loss_suite import check_loss

__all__ = ["check_head", "check_layer", "check_loss", "gradients"]
