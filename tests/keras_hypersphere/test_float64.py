"""Our layers keep float64 where Keras's own operations would not."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import layers
from keras_hypersphere.testing import policies
from tests.keras_hypersphere.backends import float64

LABELS = np.arange(8, dtype="int32") % 5
IMAGES = (4, 4, 6, 4)
CASES = [
    (layers.ChannelAffine, {}, IMAGES),
    (layers.CosineDense, {"units": 4, "learn_scale": True}, (8, 6)),
    (layers.Flip, {}, IMAGES),
    (layers.L2Pooling2D, {"pool_size": (2, 3)}, IMAGES),
    (layers.LocalResponseNormalization, {}, IMAGES),
    (layers.LocalResponseNormalization, {"within_channel": True}, IMAGES),
    (layers.MaxFeatureMap, {}, IMAGES),
    (layers.Maxout, {"units": 3, "pieces": 3}, (8, 6)),
    (layers.NormalizeLayer, {"return_norm": True}, (8, 6)),
    (layers.NormalizeLayer, {"norm": "l1"}, (8, 6)),
    (layers.ScalarScale, {"range": (0.5, None)}, (8, 6)),
    (layers.ASoftmax, {"units": 5}, (8, 6)),
    (layers.ASoftmax, {"units": 5, "gradient": "caffe"}, (8, 6)),
    (layers.AMSoftmax, {"units": 5}, (8, 6)),
    (layers.AgentContrastive, {"units": 5}, (8, 6)),
    (layers.AgentTriplet, {"units": 5}, (8, 6)),
    (layers.ArcFace, {"units": 5}, (8, 6)),
    (layers.CenterLoss, {"units": 5}, (8, 6)),
    (layers.InnerDistance, {"units": 5}, (8, 6)),
    (layers.InnerDistance, {"units": 5, "distance": "l1"}, (8, 6)),
    (layers.LSoftmax, {"units": 5}, (8, 6)),
    (layers.AdaFace, {"units": 5}, (8, 6)),
    (layers.CombinedMargin, {"units": 5}, (8, 6)),
    (layers.CurricularFace, {"units": 5}, (8, 6)),
    (layers.ElasticFace, {"units": 5, "seed": 0}, (8, 6)),
    (layers.ElasticFace, {"units": 5, "seed": 0, "plus": True}, (8, 6)),
    (layers.MagFace, {"units": 5, "norm_range": (1, 9)}, (8, 6)),
    (layers.SphereFace2, {"units": 5}, (8, 6)),
    (layers.SphereFaceR, {"units": 5}, (8, 6)),
    (layers.SubCenterArcFace, {"units": 5}, (8, 6)),
    (layers.UniFace, {"units": 5}, (8, 6)),
]


def called(cls, arguments, x):
    keras.utils.set_random_seed(0)
    layer = cls(**arguments)
    x = ops.convert_to_tensor(x, "float64")
    if "labels" in inspect.signature(layer.call).parameters:
        outputs = layer(x, LABELS, training=True)
    else:
        outputs = layer(x)
    return [*keras.tree.flatten(outputs), *layer.losses]


@pytest.mark.parametrize(("cls", "arguments", "shape"), CASES)
def test_layers(cls, arguments, shape):
    x = np.random.default_rng(0).normal(size=shape)
    with float64(), policies.policy_scope("float64"):
        outputs = called(cls, arguments, x)
        # What float32 cannot tell apart.
        moved = called(cls, arguments, x + 1e-11)
        for a, b in zip(outputs, moved, strict=True):
            assert keras.backend.standardize_dtype(a.dtype) == "float64"
            a, b = map(ops.convert_to_numpy, (a, b))
            assert np.isfinite(a).all()
            assert 0 < np.abs(a - b).max() < 1e-8
