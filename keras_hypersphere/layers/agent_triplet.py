"""NormFace's C-triplet head."""

from typing import Any

import keras

from keras_hypersphere.layers.agent_head import AgentHead
from keras_hypersphere.losses.agent_triplet_loss import AgentTripletLoss


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class AgentTriplet(AgentHead):
    """Head with NormFace's C-triplet loss of distances to agents.

    `D_ij = |x_i / |x_i| - w_j / |w_j||^2`, and the output is `-D`, whose
    largest entry is the predicted class. With labels y it adds
    `loss_weight * negative_weight / N * sum_i sum_{j != y_i} max(0,
    D_{i y_i} + margin - D_ij)`, or only the largest hinge of each sample.

    Put it behind a dense layer without activation and train without another
    loss. An agent stands for its class, so batches need no triplets.

    Args:
        units: int, number of classes.
        margin: float >= 0. Defaults to `0.8`, NormFace's.
        hardest_only: bool, whether only the nearest wrong agent counts.
            Defaults to `True`.
        center_pull: bool, whether a sample without a violated hinge is still
            pulled to its agent, with the gradient `positive_weight`. It does
            not change the value of the loss, in both modes. Defaults to
            `True`, "C-triplet + center".
        positive_weight: float >= 0, the weight of that pull, and with
            `gradient="caffe"` of every pull. Defaults to `1.0`.
        negative_weight: float >= 0, of all hinges. Defaults to `1.0`.
        positive_first: bool, whether samples farther from their own agent
            than `positive_upper_bound` have no hinges. Defaults to `False`.
        positive_upper_bound: float >= 0. Defaults to `1.0`.
        loss_weight: float >= 0. Defaults to `1.0`.
        gradient: `"exact"`, the derivative, or `"caffe"`, the published
            update: a sample is pulled once with `positive_weight`, however
            many agents it is pushed from. The kernel's gradient goes through
            the normalization in both. Defaults to `"exact"`.
        normalize_inputs: bool. Defaults to `True`.
        normalize_kernel: bool. Defaults to `True`.
        distance: `"squared-l2"`, as above, or `"l1"`. Defaults to
            `"squared-l2"`.
        epsilon: float >= 0, for inputs and kernel. Defaults to `1e-12`.
        kernel_initializer: Defaults to `"unit_sphere"`.
        kernel_regularizer: Defaults to None.
        kernel_constraint: Defaults to None.
        ignore_class: int or None: samples of this class have no loss.
            Defaults to None.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices: integers, or
            floats that are whole. With labels the loss is added, in
            evaluation too; without, it is not.
        training: bool, without effect.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, units)`

    dtype: float32 under every policy but float64, whose outputs are float64.
    With more than 16,384 kernel entries, distances of unit vectors are off
    by up to `1e-6`.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> head = kh.layers.AgentTriplet(10)
    >>> x = keras.random.normal((2, 64))
    >>> tuple(head(x, labels=keras.ops.array([3, 7])).shape)
    (2, 10)
    >>> len(head.losses)
    1

    Reference:
        NormFace: L2 Hypersphere Embedding for Face Verification (2017),
        https://arxiv.org/abs/1704.06369, equation 11, and its Caffe layer
        `GeneralTripletLoss`, whose own defaults are a margin of 0.2 and all
        negatives.
    """

    straight_through_agents = False

    def __init__(
        self,
        units: int,
        margin: float = 0.8,
        hardest_only: bool = True,
        center_pull: bool = True,
        positive_weight: float = 1.0,
        negative_weight: float = 1.0,
        positive_first: bool = False,
        positive_upper_bound: float = 1.0,
        loss_weight: float = 1.0,
        gradient: str = "exact",
        normalize_inputs: bool = True,
        normalize_kernel: bool = True,
        distance: str = "squared-l2",
        epsilon: float = 1e-12,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        ignore_class: int | None = None,
        **kwargs: Any,
    ) -> None:
        loss = AgentTripletLoss(
            margin=margin,
            hardest_only=hardest_only,
            center_pull=center_pull,
            positive_weight=positive_weight,
            negative_weight=negative_weight,
            positive_first=positive_first,
            positive_upper_bound=positive_upper_bound,
            gradient=gradient,
        )
        super().__init__(
            units,
            loss,
            normalize_inputs=normalize_inputs,
            normalize_kernel=normalize_kernel,
            loss_weight=loss_weight,
            distance=distance,
            gradient=gradient,
            epsilon=epsilon,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
            ignore_class=ignore_class,
            **kwargs,
        )
