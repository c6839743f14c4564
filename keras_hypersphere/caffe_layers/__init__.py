"""Layers that only networks converted from Caffe have.

For training: tops that our heads do not give, losses as layers, and the
weight of a loss. For detectors: `DetectionOutput`, `PSROIPooling`,
`Proposal`, `YoloDetectionOutput`. They are registered, so that such a
model is saved and loaded.
"""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.caffe_layers.agent_loss import AgentLoss
from keras_hypersphere.caffe_layers.center_distance import CenterDistance
from keras_hypersphere.caffe_layers.class_accuracy import ClassAccuracy
from keras_hypersphere.caffe_layers.class_bias import ClassBias
from keras_hypersphere.caffe_layers.detection_output import DetectionOutput
from keras_hypersphere.caffe_layers.element_loss import ElementLoss
from keras_hypersphere.caffe_layers.loss_weight import LossWeight
from keras_hypersphere.caffe_layers.pair_loss import PairLoss
from keras_hypersphere.caffe_layers.proposal import Proposal
from keras_hypersphere.caffe_layers.psroi_pooling import PSROIPooling
from keras_hypersphere.caffe_layers.recurrent import Recurrent
from keras_hypersphere.caffe_layers.reporting_heads import (
    ReportingASoftmax,
    ReportingLSoftmax,
)
from keras_hypersphere.caffe_layers.smooth_l1_loss import SmoothL1Loss
from keras_hypersphere.caffe_layers.softmax_loss import SoftmaxLoss
from keras_hypersphere.caffe_layers.yolo_detection_output import (
    YoloDetectionOutput,
)

__all__ = [
    "AgentLoss",
    "CenterDistance",
    "ClassAccuracy",
    "ClassBias",
    "DetectionOutput",
    "ElementLoss",
    "LossWeight",
    "PSROIPooling",
    "PairLoss",
    "Proposal",
    "Recurrent",
    "ReportingASoftmax",
    "ReportingLSoftmax",
    "SmoothL1Loss",
    "SoftmaxLoss",
    "YoloDetectionOutput",
]
