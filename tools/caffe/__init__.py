"""Caffe networks as Keras models."""

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    read_caffemodel,
    read_mean,
    read_prototxt,
)
from keras_hypersphere.tools.caffe.convert import name_map, to_keras
from keras_hypersphere.tools.caffe.emission import Emission
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.reference import register_reference
from keras_hypersphere.tools.caffe.registry import (
    register_layer,
    supported_layers,
)
from keras_hypersphere.tools.caffe.report import Row, Verification
from keras_hypersphere.tools.caffe.verify import verify

__all__ = [
    "CaffeFormatError",
    "Emission",
    "Row",
    "UnsupportedLayerError",
    "Verification",
    "name_map",
    "read_caffemodel",
    "read_mean",
    "read_prototxt",
    "register_layer",
    "register_reference",
    "supported_layers",
    "to_keras",
    "verify",
]
