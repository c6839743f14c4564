"""C-triplet loss: each sample, its agent, and the other agents.

`gradient="caffe"` repeats `GeneralTripletLoss` of NormFace's Caffe, whose
gradient pulls a sample once, however many agents are too near.
"""

from typing import Any

from keras import ops

from keras_hypersphere.ops import columns, gradients
from keras_hypersphere.ops.contrastive import row_sum

Tensor = Any


def triplet(
    distances: Tensor,
    labels: Tensor,
    *,
    margin: float,
    hardest_only: bool,
    center_pull: bool,
    positive_weight: float,
    negative_weight: float,
    positive_first: bool,
    positive_upper_bound: float,
    gradient: str,
) -> Tensor:
    """(N, C) distances and (N,) labels -> (N,) losses."""
    own = columns.mask(labels, distances.shape[-1])
    nearest = columns.gather(distances, own)
    hinges = negative_weight * (nearest + margin - distances)
    active = ops.logical_not(own) & (hinges > 0)
    if positive_first:
        active = active & (nearest <= positive_upper_bound)
    if hardest_only:
        ranked = ops.where(active, hinges, ops.zeros_like(hinges))
        hardest = ops.cast(ops.argmax(ranked, axis=-1), "int32")
        active = active & columns.mask(hardest, distances.shape[-1])
    loss = row_sum(active, hinges)
    if gradient == "caffe":
        pushing = active
        if hardest_only:
            # The original takes a distance of zero for "none found".
            pushing = active & (distances != 0)
        pushes = row_sum(pushing, distances)
        pulled = ops.any(pushing, axis=-1, keepdims=True) | center_pull
        pull = positive_weight * ops.cast(pulled, distances.dtype) * nearest
        loss = gradients.straight_through(loss, pull - negative_weight * pushes)
    elif center_pull:
        idle = ops.logical_not(ops.any(active, axis=-1, keepdims=True))
        pull = positive_weight * ops.cast(idle, distances.dtype) * nearest
        loss = gradients.straight_through(loss, loss + pull)
    return ops.squeeze(loss, -1)
