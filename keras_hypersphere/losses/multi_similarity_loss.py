"""The multi-similarity loss, with its mining of pairs."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.losses.cosine_loss import CosineLoss
from keras_hypersphere.ops.log_sums import LOWEST, log_sum_exp


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class MultiSimilarityLoss(CosineLoss):
    """Multi-similarity loss over all pairs of the batch's embeddings.

    `L_i = 1 / alpha * log(1 + sum_p exp(-alpha * (s_ip - base)))
    + 1 / beta * log(1 + sum_n exp(beta * (s_in - base)))` for an anchor i,
    with `s` the cosines to its positives p (other samples of its class) and
    negatives n (of other classes).

    With `epsilon`, only hard pairs count: positives with `s_ip - epsilon <
    max_n s_in` and negatives with `s_in + epsilon > min_p s_ip`. An anchor
    without a positive or without a negative then has a loss of zero.

    Put it behind embeddings, with class labels as targets, and let batches
    hold several samples of a class (`kh.data.BalancedBatches`). Lengths of
    embeddings do not count.

    Args:
        alpha: float > 0, sharpness of positives. Defaults to `2.0`.
        beta: float > 0, sharpness of negatives. Defaults to `50.0`.
        base: float, the cosine around which pairs are weighed. Defaults to
            `0.5`, that of the authors' code.
        epsilon: float or None, for mining; the paper has `0.1`. Defaults to
            None: all pairs.
        cross_replica: bool, whether pairs are also made with the samples of
            other replicas. Defaults to `True`: one device and eight then
            give the same loss.
        reduction: as in Keras; means are over all replicas' samples.
            Defaults to `"sum_over_batch_size"`.
        name: str or None.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class indices.
        y_pred: `(N, d)` embeddings.
        sample_weight: weighs anchors, with all their pairs.

    Input shape:
        `(N, d)`

    Output shape:
        `()`; `(N,)` from `call` and with `reduction=None`. The mean is over
        all anchors, with or without pairs.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional, negative or from 2^31 on.

    Example:

    >>> loss = kh.losses.MultiSimilarityLoss()
    >>> embeddings = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> round(float(loss(np.array([0, 0, 1]), embeddings)), 4)
    0.2126

    Reference:
        Multi-Similarity Loss with General Pair Weighting for Deep Metric
        Learning (2019), https://arxiv.org/abs/1904.06627, equations 11, 12
        and 15. Its base is 1, that of its authors' code 0.5. There an anchor
        without a positive and a negative counts as zero, mined or not; here,
        without `epsilon`, what it has counts.
    """

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float | None = None,
        cross_replica: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(cross_replica, reduction, name, dtype)
        self.alpha = arguments.number("alpha", alpha, positive=True)
        self.beta = arguments.number("beta", beta, positive=True)
        self.base = arguments.number("base", base)
        self.epsilon = (
            None if epsilon is None else arguments.number("epsilon", epsilon)
        )

    def cosine_losses(self, cosines: Any, positive: Any, negative: Any) -> Any:
        if self.epsilon is not None:
            positive, negative = hard_pairs(
                cosines, positive, negative, self.epsilon
            )
        rise = cosines - self.base
        pull = log_sum_exp(-self.alpha * rise, positive, one=True)
        push = log_sum_exp(self.beta * rise, negative, one=True)
        return pull / self.alpha + push / self.beta

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "beta": self.beta,
            "base": self.base,
            "epsilon": self.epsilon,
        }


def hard_pairs(
    cosines: Any, positive: Any, negative: Any, epsilon: float
) -> tuple[Any, Any]:
    """Masks of the pairs that are hard next to those of the other kind."""
    cosines = ops.stop_gradient(cosines)
    low = ops.full_like(cosines, LOWEST)

    def largest(values: Any, mask: Any) -> Any:
        kept = ops.where(mask, values, low)
        return ops.cast(
            ops.max(kept, axis=-1, keepdims=True, initial=LOWEST), kept.dtype
        )

    nearest, farthest = largest(cosines, negative), -largest(-cosines, positive)
    return (
        positive & (cosines - epsilon < nearest),
        negative & (cosines + epsilon > farthest),
    )
