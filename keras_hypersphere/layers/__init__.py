"""Heads with margins, and the layers that face networks are made of."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.layers.ada_face import AdaFace
from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.arc_face import ArcFace
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.channel_affine import ChannelAffine
from keras_hypersphere.layers.chunked_classes import ChunkedClasses
from keras_hypersphere.layers.combined_margin import CombinedMargin
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.curricular_face import CurricularFace
from keras_hypersphere.layers.elastic_face import ElasticFace
from keras_hypersphere.layers.flip import Flip
from keras_hypersphere.layers.flip_concat import FlipConcat
from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.layers.l2_pooling_2d import L2Pooling2D
from keras_hypersphere.layers.l_softmax import LSoftmax
from keras_hypersphere.layers.local_response_normalization import (
    LocalResponseNormalization,
)
from keras_hypersphere.layers.mag_face import MagFace
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.layers.max_feature_map import MaxFeatureMap
from keras_hypersphere.layers.maxout import Maxout
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.layers.proxy_anchor import ProxyAnchor
from keras_hypersphere.layers.sampled_classes import SampledClasses
from keras_hypersphere.layers.scalar_scale import ScalarScale
from keras_hypersphere.layers.sphere_face_2 import SphereFace2
from keras_hypersphere.layers.sphere_face_r import SphereFaceR
from keras_hypersphere.layers.sub_center_arc_face import SubCenterArcFace
from keras_hypersphere.layers.uni_face import UniFace
from keras_hypersphere.layers.zero_extended_add import ZeroExtendedAdd

# What pytorch-metric-learning calls it; one layer, one documentation.
NormalizedSoftmax = CosineDense

__all__ = [
    "AMSoftmax",
    "ASoftmax",
    "AdaFace",
    "AgentContrastive",
    "AgentTriplet",
    "ArcFace",
    "CenterLoss",
    "ChannelAffine",
    "ChunkedClasses",
    "CombinedMargin",
    "CosineDense",
    "CurricularFace",
    "ElasticFace",
    "Flip",
    "FlipConcat",
    "InnerDistance",
    "L2Pooling2D",
    "LSoftmax",
    "LocalResponseNormalization",
    "MagFace",
    "MarginHead",
    "MaxFeatureMap",
    "Maxout",
    "NormalizeLayer",
    "ProxyAnchor",
    "SampledClasses",
    "ScalarScale",
    "SphereFace2",
    "SphereFaceR",
    "SubCenterArcFace",
    "UniFace",
    "ZeroExtendedAdd",
]
