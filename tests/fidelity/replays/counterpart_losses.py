"""Losses, and what is reported with them -> our losses."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.losses.agent_triplet_loss import AgentTripletLoss
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tests.fidelity.replays import general_contrastive, general_triplet
from tests.fidelity.replays.counterpart import Counterpart, of_layer


def center_loss(layer, bottoms, blobs):
    weight = layer.loss_weight[0]
    centers = CenterLoss(
        layer.center_loss_param.num_output,
        loss_weight=weight,
        gradient="caffe",
        name=layer.name,
    )
    found = of_layer(centers, bottoms[0].shape, blobs)

    def call(x, labels, training):
        centers(x, labels, training=training)
        (loss,) = centers.losses
        # Ours has its weight inside, Caffe's top has not.
        return [loss / weight]

    found.call = call
    return found


def softmax_with_loss(layer, bottoms, blobs):
    loss = SoftmaxCrossEntropy()
    return Counterpart(lambda x, labels, training: [loss(labels, x)])


def contrastive(layer, bottoms, blobs):
    arguments = general_contrastive.arguments(
        layer.general_contrastive_loss_param
    )
    loss = AgentContrastiveLoss(**arguments)

    def call(d, labels, training):
        own = ops.one_hot(labels, d.shape[1])
        hinges = ops.maximum(loss.negative_margin - d, 0.0) * (1.0 - own)
        count = d.shape[0] * (d.shape[1] - 1)
        means = [ops.sum(d * own) / d.shape[0], ops.sum(hinges) / count]
        return [loss(labels, d), monitored(means)]

    return Counterpart(call)


def triplet(layer, bottoms, blobs):
    arguments = general_triplet.arguments(layer.general_triplet_loss_param)
    loss = AgentTripletLoss(**arguments)

    def call(d, labels, training):
        own = ops.one_hot(labels, d.shape[1])
        count = d.shape[0] * (d.shape[1] - 1)
        means = [
            ops.sum(d * own) / d.shape[0],
            ops.sum(d * (1.0 - own)) / count,
        ]
        return [loss(labels, d), monitored(means)]

    return Counterpart(call)


def monitored(means: list[Any]) -> Any:
    """Caffe's second top: numbers to look at, without a gradient."""
    return ops.stop_gradient(ops.stack(means))


def accuracy(layer, bottoms, blobs):
    metric = keras.metrics.SparseCategoricalAccuracy()
    sign = -1.0 if layer.accuracy_param.min_is_better else 1.0
    return Counterpart(lambda x, labels, training: [metric(labels, sign * x)])
