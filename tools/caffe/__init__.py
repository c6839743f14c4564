"""Caffe networks as Keras models."""

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    read_caffemodel,
    read_mean,
    read_prototxt,
)
from keras_hypersphere.tools.caffe import layers  # noqa: F401  registers them
from keras_hypersphere.tools.caffe.building.conversion_context import Emission
from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork
from keras_hypersphere.tools.caffe.cards.card import read_card, write_card
from keras_hypersphere.tools.caffe.convert import make_card, to_keras, verify
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    LayerType,
    register_layer,
    register_reference,
    supported_layers,
)
from keras_hypersphere.tools.caffe.record import name_map
from keras_hypersphere.tools.caffe.solver import Solver, read_solver
from keras_hypersphere.tools.caffe.verification.report import Row, Verification

__all__ = [
    "CaffeFormatError",
    "CaffeNetwork",
    "Emission",
    "Labels",
    "LayerType",
    "Row",
    "Solver",
    "UnsupportedLayerError",
    "Verification",
    "make_card",
    "name_map",
    "read_caffemodel",
    "read_card",
    "read_mean",
    "read_prototxt",
    "read_solver",
    "register_layer",
    "register_reference",
    "supported_layers",
    "to_keras",
    "verify",
    "write_card",
]
