"""InnerProduct: products of rows with learned or given weights."""

import math
from typing import Any

import keras
import numpy as np

from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.cost import product_cost
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.flattening import rows
from keras_hypersphere.tools.caffe.layers.learned import EPSILON
from keras_hypersphere.tools.caffe.layers.sphere import (
    given_product,
    unit_kernel,
)
from keras_hypersphere.tools.caffe.reference.arrays import kernel_of, rows_of
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


def inner_product_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """Products with rows of weights, and a bias."""
    settings = layer.parameter.inner_product_param
    x, lead = rows_of(layer, bottoms[0], settings.axis)
    kernel = kernel_of(layer, bottoms, settings, x.shape[1])
    made = x @ (kernel if settings.transpose else kernel.T)
    if len(bottoms) > 2:
        made = made + bottoms[2].reshape(-1)
    elif len(bottoms) == 1 and settings.bias_term:
        made = made + layer.blob(1, made.shape[1:], settings.bias_filler)
    return made.reshape(*lead, -1)


@register_layer(
    "InnerProduct",
    reference=inner_product_reference,
    message="inner_product_param",
    is_one_layer=True,
    multiply_adds=product_cost,
    refused={
        "inner_product_param.negative_slope": "is of a ReLU in the same layer",
        "inner_product_param.relu": "runs a ReLU in the same layer",
    },
)
def inner_product(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Permute` to C, H, W, `Flatten` and `Dense`; any axis, `transpose`."""
    if len(inputs) > 1:
        return given_product(layer, inputs)
    x = layer.expect(inputs, 1)
    settings = layer.parameter.inner_product_param
    layer.axis(settings.axis, x)
    axis = settings.axis % len(x.shape)
    if axis == 0:
        layer.unsupported("`axis: 0` would make one row of the whole batch")
    units = settings.num_output
    if units < 1:
        layer.fail("has no `num_output`")
    size = math.prod(caffe_shape(x)[axis:])
    shape = (size, units) if settings.transpose else (units, size)
    declared: list[Any] = [(shape, settings.weight_filler)]
    if settings.bias_term:
        declared.append(((units,), settings.bias_filler))
    kernel, *bias = layer.blobs(*declared)
    cosines: dict[str, Any] = {}
    if settings.normalize:
        kernel = unit_kernel(layer, kernel)
    if settings.normalize and layer.training:
        cosines = {
            "normalize_inputs": False,
            "gradient": "caffe",
            "epsilon": EPSILON,
        }
    x = layer.add(
        CosineDense if cosines else keras.layers.Dense,
        rows(layer, x, axis),
        weights=[kernel if settings.transpose else kernel.T, *bias],
        units=units,
        use_bias=settings.bias_term,
        **cosines,
    )
    if axis == 3:
        # Four axes again: N, C, H and the units.
        x = layer.add(keras.layers.Permute, x, "nhwc", dims=(2, 3, 1))
    return x
