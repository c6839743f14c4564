"""SELU and its dropout: networks that normalize themselves."""

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

# What SELU gives for numbers far below zero.
LOWEST = -1.75809934


def selu_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """lambda x, or lambda alpha (e^x - 1) below zero."""
    settings = layer.parameter.selu_param
    (x,) = bottoms
    below = settings.alpha * np.expm1(np.minimum(x, 0))
    return getattr(settings, "lambda") * np.where(x > 0, x, below)


@register_layer(
    "SeLu",
    {
        "selu_param": {
            "lambda": "float = 1.050700987",
            "alpha": "float = 1.67326324",
        }
    },
    reference=selu_reference,
)
def selu(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ELU` and `Rescaling`, with `alpha` and `lambda`."""
    settings = layer.parameter.selu_param
    x = layer.expect(inputs, 1)
    x = layer.add(keras.layers.ELU, x, "elu", alpha=settings.alpha)
    return layer.add(
        keras.layers.Rescaling, x, scale=getattr(settings, "lambda")
    )


def selu_dropout_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """x."""
    return bottoms[0]


@register_layer(
    "SeLuDropout",
    {
        "selu_dropout_param": {
            "dropout_ratio": "float = 0.1",
            "alpha": "float = -1.75809934",
        }
    },
    reference=selu_dropout_reference,
    keeps_channels=True,
)
def selu_dropout(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`AlphaDropout`, of SELU's `alpha` alone in training."""
    settings = layer.parameter.selu_dropout_param
    alpha = settings.alpha
    if layer.training and abs(alpha - LOWEST) > 1e-6:
        layer.unsupported(
            f"training with `alpha: {alpha:g}` is not supported; "
            f"{LOWEST:g} is: what SELU gives for numbers far below zero"
        )
    if not 0 <= settings.dropout_ratio < 1:
        layer.fail("`dropout_ratio` must be at least 0 and below 1")
    return layer.add(
        keras.layers.AlphaDropout,
        layer.expect(inputs, 1),
        rate=settings.dropout_ratio,
    )
