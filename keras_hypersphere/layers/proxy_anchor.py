"""Proxy-Anchor: every class weight as the anchor of a batch."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.ops import bounds, columns
from keras_hypersphere.ops import labels as class_labels
from keras_hypersphere.ops.log_sums import log_sum_exp


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ProxyAnchor(MarginHead):
    """Head with the Proxy-Anchor loss of cosines to class weights.

    The outputs are the cosines `s(x, p)` to the proxies p, the columns of
    the kernel, one for each class. With labels it adds `loss_weight * L`:

    `L = 1 / |P+| * sum_{p in P+} log(1 + sum_{x of p} exp(-alpha * (s(x, p)
    - margin))) + 1 / |P| * sum_p log(1 + sum_{x not of p} exp(alpha * (s(x,
    p) + margin)))`, with P all proxies and P+ those whose class is in the
    batch. A batch's samples are weighed against one another: the hardest
    move most.

    Put it behind a dense layer without activation and train without another
    loss. A proxy stands for its class, so batches need no pairs; large
    batches are better.

    Args:
        units: int, number of classes.
        margin: float. Defaults to `0.1`.
        alpha: float > 0, the sharpness. Defaults to `32.0`.
        loss_weight: float >= 0. Defaults to `1.0`.
        gradient: `"exact"`, or `"caffe"`: the kernel's gradient passes its
            normalization unchanged, and a constraint renormalizes what is
            stored. Defaults to `"exact"`.
        ignore_class: int or None: samples of this class have no loss.
            Defaults to None.
        kernel_initializer: Defaults to `"unit_sphere"`.
        kernel_regularizer: Defaults to None.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices: integers, or
            floats that are whole. With labels the loss is added, in
            evaluation too; without, it is not.
        training: bool; changes nothing.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, units)`

    dtype: float32 under every policy but float64, whose outputs are float64.
    The loss is one of the whole batch, of all replicas. A sample's part, which
    sample weights weigh, is an equal share of its class's term, and of all
    the negatives' terms.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> head = kh.layers.ProxyAnchor(2, kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> y = head(x, labels=keras.ops.array([1]))
    >>> [round(float(v), 4) for v in y[0]], round(float(head.losses[0]), 4)
    ([0.6, 0.8], 11.2)

    Reference:
        Proxy Anchor Loss for Deep Metric Learning (2020),
        https://arxiv.org/abs/2003.13911, equation 4. Its authors' code
        begins with proxies of `kaiming_normal` and gives them a learning
        rate 100 times as high.
    """

    trains_itself = True

    def __init__(
        self,
        units: int,
        margin: float = 0.1,
        alpha: float = 32.0,
        loss_weight: float = 1.0,
        gradient: str = "exact",
        ignore_class: int | None = None,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            gradient=gradient,
            ignore_class=ignore_class,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )
        self.margin = arguments.number("margin", margin)
        self.alpha = arguments.number("alpha", alpha, positive=True)
        self.loss_weight = arguments.number(
            "loss_weight", loss_weight, minimum=0.0
        )

    @property
    def has_margin(self) -> bool:
        """The margin is in the loss; the outputs have none."""
        return False

    def logits(self, x: Any, classes: Any = None) -> Any:
        return self.cosines(x, classes)

    def apply_margin(
        self,
        logits: Any,
        x: Any,
        labels: Any,
        annealing_value: Any,
        training: bool | None,
        classes: Any = None,
    ) -> Any:
        return logits

    def sample_losses(
        self, x: Any, labels: Any, logits: Any, training: bool | None
    ) -> Any:
        cosines, _ = replicas.gather_over_replicas(logits)
        everyones, _ = replicas.gather_over_replicas(labels)
        own = self.target_mask(everyones)
        kept = class_labels.kept(everyones)
        other = ops.logical_not(own) & ops.expand_dims(kept, 1)
        pull = -self.alpha * (cosines - self.margin)
        push = self.alpha * (cosines + self.margin)
        pull = log_sum_exp(pull, own, one=True, axis=0)
        push = log_sum_exp(push, other, one=True, axis=0)
        # (C,) numbers of samples; those of the whole batch and its classes.
        count = ops.sum(ops.cast(own, pull.dtype), axis=0)
        samples = ops.sum(ops.cast(kept, pull.dtype))
        present = ops.sum(ops.cast(count > 0, pull.dtype))
        share = samples / bounds.at_least(count, 1.0)
        share = share / bounds.at_least(present, 1.0)
        mine = ops.expand_dims(pull * share, 0) * ops.cast(
            columns.mask(labels, self.units), pull.dtype
        )
        losses = ops.sum(mine, axis=-1) + ops.mean(push)
        losses = bounds.nan_unless_finite(losses, logits)
        return self.loss_weight * losses

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        # There is nothing to anneal.
        del config["annealing"], config["margin_at_test"]
        return {
            **config,
            "margin": self.margin,
            "alpha": self.alpha,
            "loss_weight": self.loss_weight,
        }
