"""Center loss: how far features are from the centers of their classes."""

from typing import Any

from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.ops import distances

Tensor = Any


def own_centers(centers: Tensor, labels: Tensor) -> Tensor:
    """(C, d) centers and (N,) labels -> (N, d)."""
    safe = ops.clip(labels, 0, centers.shape[0] - 1)
    return ops.take(centers, safe, axis=0)


def losses(x: Tensor, own: Tensor) -> Tensor:
    """(N, d) features and own centers -> (N,) `|x - c|^2 / 2`."""
    return 0.5 * distances.rowwise(x, own)


def step_sizes(labels: Tensor) -> Tensor:
    """(N,) `1 / (1 + n)`, n = samples of that class on all replicas."""
    everyone, _ = replicas.gather_over_replicas(labels)
    same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(everyone, 0))
    return 1.0 / (1.0 + ops.sum(ops.cast(same, "float32"), axis=-1))


def steps(x: Tensor, own: Tensor, labels: Tensor) -> Tensor:
    """(N, d) `(c - x) / (1 + n)`: what each sample adds to its center's step.

    A center moves by `-rate` times the sum of its samples' steps.
    """
    sizes = ops.cast(step_sizes(labels), x.dtype)
    away = own - distances.saturate(x)
    return ops.stop_gradient(away * ops.expand_dims(sizes, 1))


def moved(
    centers: Tensor, steps: Tensor, labels: Tensor, rate: float
) -> Tensor:
    """Centers after the steps of all replicas."""
    steps, _ = replicas.gather_over_replicas(steps)
    labels, _ = replicas.gather_over_replicas(labels)
    units = centers.shape[0]
    valid = ops.expand_dims((labels >= 0) & (labels < units), 1)
    steps = ops.where(valid, steps, ops.zeros_like(steps))
    labels = ops.clip(labels, 0, units - 1)
    return centers - rate * ops.segment_sum(steps, labels, units)
