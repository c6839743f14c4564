"""C-contrastive loss: distances to agents instead of pairs of samples.

`gradient="caffe"` repeats what `GeneralContrastiveLoss` of NormFace's Caffe
does where that differs from the derivative of its value or from its options'
names; "exact" does what the names say.
"""

from typing import Any

from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.ops import bounds, columns, gradients
from keras_hypersphere.ops import labels as class_labels

Tensor = Any


def contrastive(
    distances: Tensor,
    labels: Tensor,
    *,
    positive_margin: float,
    negative_margin: float | Tensor,
    positive_weight: float,
    negative_weight: float,
    positive_outlier: float,
    normalize_negative: float | None,
    max_negative_only: bool,
    max_positive_only: bool,
    positive_first: bool,
    positive_upper_bound: float,
    exponential_negative: bool,
    gradient: str,
) -> tuple[Tensor, Tensor]:
    """(N, C) distances, (N,) labels -> (N,) losses, (N,) positive hinges.

    The hinges are the capped `max(0, D_y - positive_margin)` of each sample,
    from which the adaptive margin learns. The losses of ignored samples mean
    nothing, and change those of no other sample.
    """
    caffe = gradient == "caffe"
    own = columns.mask(labels, distances.shape[-1])
    nearest = columns.gather(distances, own)
    far = nearest > positive_upper_bound if positive_first else None
    kept = ops.expand_dims(class_labels.kept(labels), 1)

    hinge = capped_hinge(nearest, positive_margin, positive_outlier)
    pulls = positive_weight * hinge
    own_pulls = pulls
    chosen = None
    if max_positive_only:
        chosen = chosen_row(-pulls if caffe else pulls, kept)
        pulls = ops.where(chosen, pulls, ops.zeros_like(pulls))
    if caffe:
        # The mask caps the distance, though the value caps the hinge.
        learns = (nearest > positive_margin) & (nearest < positive_outlier)
        if chosen is not None:
            learns = learns & chosen
        if far is not None:
            learns = learns | far
        slope = positive_weight * ops.cast(learns, distances.dtype)
        pulls = gradients.straight_through(pulls, slope * nearest)

    # So put, a margin of NaN gives a loss of NaN.
    near = ops.logical_not(own | (distances >= negative_margin))
    if exponential_negative:
        pushes = negative_weight * ops.exp(-distances)
        slopes = pushes
    else:
        pushes = negative_weight * (negative_margin - distances)
        slopes = negative_weight * ops.ones_like(distances)
    if max_negative_only:
        ranked = ops.where(near, pushes, ops.zeros_like(pushes))
        if caffe:
            # The search starts at column 0, be it the sample's own.
            first = ops.expand_dims(ops.equal(labels, 0), 1)
            start = ops.where(first, own_pulls, -ops.ones_like(own_pulls))
            ranked = ops.where(own, start, ranked)
        near = near & columns.mask(
            ops.cast(ops.argmax(ranked, axis=-1), "int32"),
            distances.shape[-1],
        )
    if far is not None:
        near = near & ops.logical_not(far)
    pushed = row_sum(near, pushes)
    if normalize_negative is not None:
        share = negative_share(
            row_sum(near, slopes), kept, normalize_negative, positive_weight
        )
        pushed = gradients.straight_through(pushed, share * pushed)
    return ops.squeeze(pulls + pushed, -1), ops.squeeze(hinge, -1)


def capped_hinge(x: Tensor, margin: float, cap: float) -> Tensor:
    """`min(cap, max(0, x - margin))`, without a slope at its corners."""
    above = x - margin
    value = ops.where(above > 0, above, ops.zeros_like(above))
    return ops.where(value < cap, value, cap * ops.ones_like(value))


def row_sum(mask: Tensor, x: Tensor) -> Tensor:
    """(N, 1) sums over the entries of each row where `mask` holds."""
    return ops.sum(ops.where(mask, x, 0.0), axis=-1, keepdims=True)


def chosen_row(x: Tensor, kept: Tensor) -> Tensor:
    """(N, 1) booleans: the first row with the largest value of all replicas."""
    x = ops.where(kept, ops.stop_gradient(x), float("-inf"))
    rows, first = replicas.gather_over_replicas(x)
    best = ops.cast(ops.argmax(ops.reshape(rows, (-1,))), "int32")
    here = first + ops.arange(ops.shape(x)[0], dtype="int32")
    return ops.expand_dims(ops.equal(here, best), 1)


def negative_share(
    slopes: Tensor, kept: Tensor, bound: float, positive_weight: float
) -> Tensor:
    """What the negatives' gradient is multiplied by to stay in bounds."""
    slopes = ops.stop_gradient(row_sum(kept, slopes))
    samples = ops.sum(ops.cast(kept, slopes.dtype))
    size = replicas.sum_over_replicas(ops.sum(slopes))
    allowed = bound * replicas.sum_over_replicas(samples)
    safe = ops.where(size > 0, size, ops.ones_like(size))
    share = allowed / safe
    return ops.where(
        size > positive_weight * allowed, share, ops.ones_like(share)
    )


def moved_mean(mean: Tensor, hinge: Tensor, largest: float) -> Tensor:
    """An adaptive margin after a batch whose mean hinge is given."""
    return bounds.at_most(0.99 * mean + 0.01 * hinge, largest)
