"""Embed: rows of a table."""

from typing import Any

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


def embed_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The rows of a table that the bottom names."""
    (x,) = bottoms
    settings = layer.parameter.embed_param
    shape = (settings.input_dim, settings.num_output)
    made = layer.blob(0, shape, settings.weight_filler)[x.astype(int)]
    if settings.bias_term:
        made = made + layer.blob(1, shape[1:], settings.bias_filler)
    return made


@register_layer("Embed", reference=embed_reference, message="embed_param")
def embed(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Embedding`, with the bias added to each row."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.embed_param
    size, units = settings.input_dim, settings.num_output
    if min(size, units) < 1:
        layer.fail("needs `num_output` and `input_dim`")
    declared: list[Any] = [((size, units), settings.weight_filler)]
    if settings.bias_term:
        declared.append(((units,), settings.bias_filler))
    table, *bias = layer.blobs(*declared)
    rank = len(x.shape)
    if rank == 4:
        # Five axes are in Caffe's order.
        x = layer.add(keras.layers.Permute, x, "nchw", dims=(3, 1, 2))
    x = layer.add(
        keras.layers.Embedding,
        x,
        weights=[sum(bias, table)],
        input_dim=size,
        output_dim=units,
    )
    if rank == 3:
        # Four are not: the second of the bottom's is the channels.
        x = layer.add(keras.layers.Permute, x, "nhwc", dims=(2, 3, 1))
    return x
