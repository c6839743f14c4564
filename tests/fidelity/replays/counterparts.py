"""What stands for each Caffe layer of a recorded network.

Ours where the layer is one of the forks', else what the converter makes of
it. Four-dimensional blobs are channels-last; `(N, C, 1, 1)` is `(N, C)`.
"""

from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_format import LayerParameter
from keras_hypersphere.tools.caffe.building.conversion_context import Emission
from keras_hypersphere.tools.caffe.layer_type import find_converter
from keras_hypersphere.tools.caffe.names import Names
from tests.fidelity.replays import counterpart_layers as layers
from tests.fidelity.replays import counterpart_losses as losses
from tests.fidelity.replays.counterpart import Counterpart, same


def counterpart(
    layer: LayerParameter, bottoms: list[Any], blobs: list[np.ndarray]
) -> Counterpart:
    """Makes and fills what stands for a layer."""
    make = MAKERS.get(layer.type, converted)
    # Some are ours by one of their options alone.
    return make(layer, bottoms, blobs) or converted(layer, bottoms, blobs)


class Filled:
    """The converter's view of a layer's blobs."""

    def __init__(self, blobs: list[np.ndarray]) -> None:
        self.blobs = blobs

    def find(
        self, layer: str, type: str, shapes: Any, shared: Any = ()
    ) -> list[np.ndarray]:
        """The blobs, of which there is one set and none is shared."""
        assert [b.shape for b in self.blobs] == list(shapes), (layer, type)
        return self.blobs

    def count(self, layer: str) -> int:
        """How many there are."""
        return len(self.blobs)


def converted(layer, bottoms, blobs):
    """What `tools.caffe` makes of it: layers that every Caffe has."""
    names = Names()
    emission = Emission(
        layer, (), names.claim(layer.name), names, Filled(blobs), None
    )
    inputs = [keras.Input(tuple(x.shape[1:])) for x in bottoms]
    outputs = find_converter(layer.type)(emission, inputs)
    model = keras.Model(inputs, outputs)
    layouts = {
        "Convolution": [lambda w: w.transpose(3, 2, 0, 1), same],
        "InnerProduct": [np.transpose, same],
        "PReLU": [np.ravel],
    }

    def call(*bottoms, training):
        tops = model(list(bottoms), training=training)
        return tops if isinstance(tops, (list, tuple)) else [tops]

    return Counterpart(
        call,
        model.trainable_variables,
        layouts.get(layer.type, []),
        model.non_trainable_variables if layer.type == "BatchNorm" else (),
    )


MAKERS = {
    "Accuracy": losses.accuracy,
    "CenterLoss": losses.center_loss,
    "Concat": layers.concat,
    "Eltwise": layers.eltwise,
    "Flip": layers.flip,
    "GeneralContrastiveLoss": losses.contrastive,
    "GeneralTripletLoss": losses.triplet,
    "InnerDistance": layers.inner_distance,
    "InnerProduct": layers.inner_product,
    "LabelSpecificAdd": layers.label_specific_add,
    "MarginInnerProduct": layers.margin_inner_product,
    "Normalize": layers.normalize,
    "Parameter": layers.parameter,
    "Scale": layers.scale,
    "Slice": layers.split,
    "SoftmaxWithLoss": losses.softmax_with_loss,
}
