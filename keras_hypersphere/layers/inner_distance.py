"""Distances between features and one agent per class."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.agent_layer import AgentLayer
from keras_hypersphere.layers.head import HeadStep
from keras_hypersphere.ops import columns, distances


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class InnerDistance(AgentLayer):
    """Distances between features and agents.

    `D_ij = sum((x_i - w_j)^2)` for `distance="squared-l2"`, and
    `D_ij = sum(|x_i - w_j|)` for `"l1"`; `w_j` is row `j` of the kernel, the
    agent of class `j`.

    Put it behind a `NormalizeLayer` and before an `AgentContrastiveLoss` or
    `AgentTripletLoss`; the nearest agent is the predicted class. The heads
    `AgentContrastive` and `AgentTriplet` are all of that in one layer.

    Args:
        units: int, number of agents.
        distance: `"squared-l2"` or `"l1"`. Defaults to `"squared-l2"`.
        normalize_kernel: bool, whether agents are divided by their length,
            `sqrt(sum(w^2) + epsilon)`. Defaults to `False`.
        update_center_only: bool, whether an agent learns from the samples
            of its own class alone. Then pass labels; an agent does not learn
            from a batch without labels. Defaults to `False`.
        gradient: `"exact"`, the derivative, or `"caffe"`: the kernel's
            gradient passes the normalization unchanged and a constraint
            renormalizes what is stored after each update. Defaults to
            `"exact"`; without `normalize_kernel` they are the same.
        epsilon: float >= 0. Defaults to `1e-12`.
        kernel_initializer: Defaults to `"unit_sphere"`.
        kernel_regularizer: Defaults to None.
        kernel_constraint: Defaults to None; given one, `gradient="caffe"`
            leaves storage to it.
        ignore_class: int or None: with `update_center_only`, no agent learns
            from samples of this class. Defaults to None.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices: integers, or
            floats that are whole. Only `update_center_only` uses them.
        training: bool, without effect.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, units)`

    dtype: float32 under every policy but float64, whose outputs are float64.
    With more than 16,384 kernel entries, squared distances are off by up to
    `5e-7 (|x|^2 + |w|^2)`, since they are made by one matrix product.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> layer = kh.layers.InnerDistance(10)
    >>> tuple(layer(keras.random.normal((2, 64))).shape)
    (2, 10)

    Reference:
        NormFace: L2 Hypersphere Embedding for Face Verification (2017),
        https://arxiv.org/abs/1704.06369, and its Caffe layer
        `InnerDistance`. The L1 gradient there is wrong for negative
        differences (a macro without parentheses); here it is the derivative
        in both modes.
    """

    gives_distances = True

    def __init__(
        self,
        units: int,
        distance: str = "squared-l2",
        normalize_kernel: bool = False,
        update_center_only: bool = False,
        gradient: str = "exact",
        epsilon: float = 1e-12,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        ignore_class: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            distance=distance,
            normalize_kernel=normalize_kernel,
            gradient=gradient,
            epsilon=epsilon,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint,
            ignore_class=ignore_class,
            **kwargs,
        )
        self.update_center_only = arguments.flag(
            "update_center_only", update_center_only
        )

    @property
    def weights_need_labels(self) -> bool:
        """Whether no agent learns without labels."""
        return self.update_center_only

    def without_labels(self, inputs: Any) -> Any:
        x = self.upcast(inputs)
        if not self.update_center_only:
            return self.distances(x)
        still = ops.stop_gradient(self.agents())
        return distances.pairwise(x, still, self.distance)

    def step(self, inputs: Any, labels: Any, training: bool | None) -> HeadStep:
        if not self.update_center_only:
            outputs = self.without_labels(inputs)
            return HeadStep(outputs, outputs)
        x, agents = self.upcast(inputs), self.agents()
        outputs = distances.pairwise(
            x, ops.stop_gradient(agents), self.distance
        )
        own = ops.take(agents, ops.clip(labels, 0, self.units - 1), axis=0)
        pull = distances.rowwise(ops.stop_gradient(x), own, self.distance)
        # Zero in value: it only carries the gradient of the own agents.
        pull = ops.expand_dims(pull - ops.stop_gradient(pull), 1)
        outputs = columns.scatter(
            outputs, columns.mask(labels, self.units), outputs + pull
        )
        return HeadStep(outputs, outputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "update_center_only": self.update_center_only,
        }
