"""Whether a softmax loss stands where its scale lets it stand."""

import math
from typing import Any

import keras

from keras_hypersphere import theory
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.cosine_head import CosineHead
from keras_hypersphere.losses.softmax_cross_entropy import (
    SoftmaxCrossEntropy,
)

# A mean length this near to 1 is no accident: the embeddings are normalized.
UNIT = 1e-3


def fixed_scale(head: Any, norm: float | None) -> float | None:
    """What cosines are multiplied by, where training cannot raise it.

    Without normalization in the head, the length of the embeddings is the
    scale: fixed if they come normalized, `norm` being their mean length.
    """
    if isinstance(head, CosineHead):
        return None if head.trains_itself else head.scale
    if not isinstance(head, ASoftmax | CosineDense):
        return None
    scale = 1.0 if head.scale is None else head.scale
    if isinstance(head, CosineDense):
        if not head.normalize_kernel or head.use_bias:
            return None
        if head.learn_scale:
            scale = float(keras.ops.convert_to_numpy(head.learned_scale))
            highest = head.scale_range[1]
            if highest is None or scale < highest:
                return None
    if head.normalize_inputs:
        return scale
    if norm is None or abs(norm - 1.0) > UNIT:
        return None
    return scale


def trains_by_softmax(model: keras.Model) -> bool:
    """Whether the compiled loss is a softmax cross-entropy of logits."""
    loss = getattr(model, "loss", None)
    if isinstance(loss, SoftmaxCrossEntropy):
        return True
    stock = (
        keras.losses.SparseCategoricalCrossentropy,
        keras.losses.CategoricalCrossentropy,
    )
    return isinstance(loss, stock) and loss.get_config()["from_logits"]


def advice(classes: int, scale: float, loss: float, near: float) -> str | None:
    """What to do about a loss near the least that the scale allows.

    Near: of what lies between `log(classes)`, where training begins, and the
    bound, the share `near` is left, at most. A bound below `-log(0.9)`
    hinders nobody.
    """
    if classes < 2:
        return None
    needed = theory.recommended_scale(classes)
    bound = theory.softmax_lower_bound(classes, scale)
    if scale >= needed or loss > bound + near * (math.log(classes) - bound):
        return None
    return (
        f"The softmax loss is saturated: {loss:.4g}, where scale={scale:.4g} "
        f"and {classes} classes allow no less than {bound:.4g} "
        "(kh.theory.softmax_lower_bound). Take a scale of at least "
        f"{math.ceil(needed)} (kh.theory.recommended_scale); the papers "
        "take 20 to 64."
    )
