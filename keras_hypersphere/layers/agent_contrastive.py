"""NormFace's C-contrastive head."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.agent_head import AgentHead
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.ops.contrastive import moved_mean


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class AgentContrastive(AgentHead):
    """Head with NormFace's C-contrastive loss of distances to agents.

    `D_ij = |x_i / |x_i| - w_j / |w_j||^2`, and the output is `-D`, whose
    largest entry is the predicted class. With labels y it adds
    `loss_weight / N * sum_i (P_i + sum_{j != y_i} Q_ij)`:

    * `P_i = positive_weight * min(positive_outlier, max(0, D_{i y_i} -
      positive_margin))` pulls a sample to its own agent;
    * `Q_ij = negative_weight * max(0, negative_margin - D_ij)` pushes it
      from every other agent.

    Put it behind a dense layer without activation and train without another
    loss, or next to a softmax head with `loss_weight=0.01`. An agent stands
    for its class, so batches need no pairs.

    Args:
        units: int, number of classes.
        positive_margin: float >= 0. Defaults to `0.0`.
        negative_margin: float >= 0. Defaults to `1.0`, NormFace's.
        positive_weight: float >= 0. Defaults to `1.0`.
        negative_weight: float >= 0. Defaults to `1.0`.
        loss_weight: float >= 0. Defaults to `1.0`.
        normalize_inputs: bool. Defaults to `True`.
        normalize_kernel: bool. Defaults to `True`.
        distance: `"squared-l2"`, as above, or `"l1"`. Defaults to
            `"squared-l2"`.
        positive_outlier: float >= 0: samples farther from their agent than
            this are taken for wrongly labeled and not pulled. Defaults to
            `4.0`, the largest distance on the sphere.
        normalize_negative: float >= 0 or None. Given one, the gradient of
            all negatives together is scaled down to `normalize_negative * N`
            where it is larger than `positive_weight` times that; the value
            of the loss does not change, in both modes. Defaults to None.
        max_negative_only: bool, whether each sample is pushed from its
            nearest wrong agent alone. Defaults to `False`.
        max_positive_only: bool, whether only the sample of the batch with
            the largest `P_i` is pulled. Defaults to `False`.
        positive_first: bool, whether samples farther from their own agent
            than `positive_upper_bound` are pushed from none. Defaults to
            `False`.
        positive_upper_bound: float >= 0. Defaults to `1.0`.
        exponential_negative: bool: `Q_ij = negative_weight * exp(-D_ij)`
            where `D_ij < negative_margin`. Defaults to `False`.
        adaptive_margin: bool, whether `intra_distance`, a saved running mean
            of `P_i / positive_weight`, is added to `negative_margin`. It
            moves by a hundredth in each training call with labels. Defaults
            to `False`.
        max_negative_margin: float >= 0, where that mean stops. Defaults to
            `1.2`.
        ignore_class: int or None: samples of this class have no loss and
            move nothing. Defaults to None.
        gradient: `"exact"`, the derivative, or `"caffe"`, the published
            update: the kernel's gradient passes the normalization unchanged
            and a constraint renormalizes what is stored; only `D_{i y_i} <
            positive_outlier` is pulled, whatever the positive margin;
            `max_negative_only` begins its search at agent 0, even if that
            is the right one; `max_positive_only` keeps the smallest;
            `positive_first` pulls far samples whatever the other options
            say. Defaults to `"exact"`.
        epsilon: float >= 0, for inputs and kernel. Defaults to `1e-12`.
        kernel_initializer: Defaults to `"unit_sphere"`.
        kernel_regularizer: Defaults to None.
        kernel_constraint: Defaults to None; given one, `gradient="caffe"`
            leaves storage to it.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices: integers, or
            floats that are whole. With labels the loss is added, in
            evaluation too; without, it is not.
        training: bool, whether the adaptive margin moves.

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

    >>> head = kh.layers.AgentContrastive(10)
    >>> x = keras.random.normal((2, 64))
    >>> tuple(head(x, labels=keras.ops.array([3, 7])).shape)
    (2, 10)
    >>> len(head.losses)
    1

    Reference:
        NormFace: L2 Hypersphere Embedding for Face Verification (2017),
        https://arxiv.org/abs/1704.06369, equation 10, and its Caffe layer
        `GeneralContrastiveLoss`. There the adaptive margin also moves in
        evaluation and is not saved, and a second output, the mean distances,
        may inflate the printed loss.
    """

    def __init__(
        self,
        units: int,
        positive_margin: float = 0.0,
        negative_margin: float = 1.0,
        positive_weight: float = 1.0,
        negative_weight: float = 1.0,
        loss_weight: float = 1.0,
        normalize_inputs: bool = True,
        normalize_kernel: bool = True,
        distance: str = "squared-l2",
        positive_outlier: float = 4.0,
        normalize_negative: float | None = None,
        max_negative_only: bool = False,
        max_positive_only: bool = False,
        positive_first: bool = False,
        positive_upper_bound: float = 1.0,
        exponential_negative: bool = False,
        adaptive_margin: bool = False,
        max_negative_margin: float = 1.2,
        gradient: str = "exact",
        epsilon: float = 1e-12,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        ignore_class: int | None = None,
        **kwargs: Any,
    ) -> None:
        loss = AgentContrastiveLoss(
            positive_margin=positive_margin,
            negative_margin=negative_margin,
            positive_weight=positive_weight,
            negative_weight=negative_weight,
            positive_outlier=positive_outlier,
            normalize_negative=normalize_negative,
            max_negative_only=max_negative_only,
            max_positive_only=max_positive_only,
            positive_first=positive_first,
            positive_upper_bound=positive_upper_bound,
            exponential_negative=exponential_negative,
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
        self.adaptive_margin = arguments.flag(
            "adaptive_margin", adaptive_margin
        )
        self.max_negative_margin = arguments.number(
            "max_negative_margin", max_negative_margin, minimum=0.0
        )

    def build(self, inputs_shape, labels_shape=None) -> None:
        if self.adaptive_margin:
            self.intra_distance = self.add_state("intra_distance")
        super().build(inputs_shape)

    def agent_losses(
        self, distances: Any, labels: Any, training: bool | None
    ) -> Any:
        if not self.adaptive_margin:
            return super().agent_losses(distances, labels, training)
        mean = ops.convert_to_tensor(self.intra_distance)
        losses, hinges = self.loss.with_hinges(labels, distances, mean)
        if training:
            now = self.batch_mean(hinges, labels, default=mean)
            self.intra_distance.assign(
                moved_mean(mean, now, self.max_negative_margin)
            )
        return losses

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "adaptive_margin": self.adaptive_margin,
            "max_negative_margin": self.max_negative_margin,
        }
