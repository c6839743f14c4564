"""The forks' layers, and those that move numbers -> our layers."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.channel_affine import ChannelAffine
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.flip import Flip
from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.layers.scalar_scale import ScalarScale
from keras_hypersphere.ops.larger import larger
from tests.fidelity.recording import option
from tests.fidelity.replays.counterpart import Counterpart, of_layer, same
from tests.fidelity.replays.margin_head import annealing, margin

# What the CPU code adds to sums of squares.
EPSILON = 1e-6


def parameter(layer, bottoms, blobs):
    variable = keras.Variable(blobs[0], name=layer.name)
    return Counterpart(
        lambda training: [ops.convert_to_tensor(variable)], [variable], [same]
    )


def normalize(layer, bottoms, blobs):
    return of_layer(NormalizeLayer(epsilon=EPSILON), bottoms[0].shape, [])


def inner_product(layer, bottoms, blobs):
    settings = layer.inner_product_param
    if len(bottoms) == 1 and not settings.normalize:
        return None
    two = len(bottoms) == 2
    dense = CosineDense(
        bottoms[1].shape[0] if two else settings.num_output,
        normalize_inputs=False,
        normalize_kernel=not two,
        gradient="caffe",
        epsilon=EPSILON,
        name=layer.name,
    )
    if not two:
        return of_layer(dense, bottoms[0].shape, blobs, [np.transpose])
    dense.build(bottoms[0].shape)
    return Counterpart(
        lambda x, w, training: [given(dense, ops.transpose(w), x)]
    )


def inner_distance(layer, bottoms, blobs):
    settings = layer.inner_distance_param
    two = len(bottoms) == 2
    distance = InnerDistance(
        bottoms[1].shape[0] if two else settings.num_output,
        distance={"L2": "squared-l2", "L1": "l1"}[settings.distance_type],
        normalize_kernel=settings.normalize,
        gradient="caffe",
        epsilon=EPSILON,
        name=layer.name,
    )
    if not two:
        return of_layer(distance, bottoms[0].shape, blobs)
    distance.build(bottoms[0].shape)
    return Counterpart(lambda x, w, training: [given(distance, w, x)])


def given(layer: Any, kernel: Any, x: Any) -> Any:
    """A layer's outputs with a kernel that another layer made."""
    outputs, _ = layer.stateless_call([kernel], [], x)
    return outputs


def scale(layer, bottoms, blobs):
    settings, shape = layer.scale_param, bottoms[0].shape
    if settings.num_axes:
        affine = ChannelAffine(name=layer.name)
        assert settings.bias_term, "a beta of its own"
        return of_layer(affine, shape, blobs)
    limits = option(settings, "min_value"), option(settings, "max_value")
    # What is stored may lie outside of the limits, where none may start.
    start = limits[0] or limits[1] or 1.0
    factor = ScalarScale(start, range=limits, name=layer.name)
    return of_layer(factor, shape, blobs)


def margin_inner_product(layer, bottoms, blobs):
    settings = layer.margin_inner_product_param
    head = ASoftmax(
        settings.num_output,
        margin=margin(settings),
        annealing=annealing(settings),
        gradient="caffe",
        name=layer.name,
    )
    found = of_layer(head, bottoms[0].shape, blobs, [np.transpose])

    def call(x, labels, training):
        logits = head(x, labels=labels, training=training)
        return [logits, head.annealing(head.annealing_step)]

    found.call = call
    return found


def label_specific_add(layer, bottoms, blobs):
    """The margin of the head, on cosines that another layer made."""
    units = bottoms[0].shape[1]
    bias = layer.label_specific_add_param.bias
    head = AMSoftmax(units, margin=-bias, scale=1.0, gradient="caffe")

    def call(cosines, labels, training):
        own = ops.one_hot(labels, units, dtype="bool")
        return [ops.where(own, head.with_margin(cosines, None), cosines)]

    return Counterpart(call)


def flip(layer, bottoms, blobs):
    settings = layer.flip_param
    mirror = Flip(settings.flip_width, settings.flip_height)
    return of_layer(mirror, bottoms[0].shape, [])


def concat(layer, bottoms, blobs):
    """Along the batch, which the converter refuses."""
    assert layer.concat_param.axis == 0
    return Counterpart(lambda *xs, training: [ops.concatenate(xs)])


def split(layer, bottoms, blobs):
    settings = layer.slice_param
    axis = settings.axis if settings.HasField("axis") else settings.slice_dim
    axis = -1 if axis == 1 else axis
    tops = len(layer.top)
    return Counterpart(lambda x, training: ops.split(x, tops, axis=axis))


def eltwise(layer, bottoms, blobs):
    if layer.eltwise_param.operation != 2:
        return None
    return Counterpart(lambda a, b, training: [larger(a, b)])
