"""The circle loss of pairs."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.losses.cosine_loss import CosineLoss
from keras_hypersphere.losses.triplet_arguments import mean_of_terms
from keras_hypersphere.ops.log_sums import log_sum_exp


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CircleLoss(CosineLoss):
    """Circle loss over all pairs of the batch's embeddings.

    `L_i = log(1 + sum_n exp(gamma * a_n * (s_n - m)) * sum_p exp(-gamma * a_p
    * (s_p - 1 + m)))` for an anchor i, with `s` the cosines to its positives
    p (other samples of its class) and negatives n (of other classes), `m` the
    margin, and weights `a_p = max(0, 1 + m - s_p)` and `a_n = max(0, s_n +
    m)`: what is far from where it should be is moved more. An anchor without
    a positive or without a negative has a loss of zero.

    Put it behind embeddings, with class labels as targets, and let batches
    hold several samples of a class (`kh.data.BalancedBatches`). Lengths of
    embeddings do not count.

    Args:
        gamma: float > 0, the scale. Defaults to `80.0`; for faces the paper
            takes `256.0`.
        margin: float, `m`. Defaults to `0.4`; for faces the paper takes
            `0.25`.
        gradient: `"straight-through"`: the weights are constants for the
            gradient, as in the paper; or `"exact"`: they are differentiated
            too, as in Keras. Values are the same. Defaults to
            `"straight-through"`.
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
        `()`; `(N,)` from `call` and with `reduction=None`: the above, times N
        and divided by the number of anchors with a positive and a negative,
        so that the mean over the batch is the mean over these.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional, negative or from 2^31 on.

    Example:

    >>> loss = kh.losses.CircleLoss(gamma=8.0)
    >>> embeddings = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> round(float(loss(np.array([0, 0, 1]), embeddings)), 4)
    0.5823

    Reference:
        Circle Loss: A Unified Perspective of Pair Similarity Optimization
        (2020), https://arxiv.org/abs/2002.10857, equations 4 to 8 and 10.
        `keras.losses.Circle` has the same values for embeddings of length 1,
        and the gradient `"exact"`; it takes other lengths as they are, its
        gradient is NaN where an anchor has no pair at all, and its mean is
        over anchors whose loss did not round to zero.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        gradient: str = "straight-through",
        cross_replica: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(cross_replica, reduction, name, dtype)
        self.gamma = arguments.number("gamma", gamma, positive=True)
        self.margin = arguments.number("margin", margin)
        self.gradient = arguments.choice(
            "gradient", gradient, ("straight-through", "exact")
        )

    def cosine_losses(self, cosines: Any, positive: Any, negative: Any) -> Any:
        constant = self.gradient == "straight-through"
        seen = ops.stop_gradient(cosines) if constant else cosines
        pull = ops.relu(1.0 + self.margin - seen) * (
            1.0 - self.margin - cosines
        )
        push = ops.relu(seen + self.margin) * (cosines - self.margin)
        pull = log_sum_exp(self.gamma * pull, positive)
        push = log_sum_exp(self.gamma * push, negative)
        both = ops.any(positive, axis=-1) & ops.any(negative, axis=-1)
        total = ops.where(both, pull + push, ops.zeros_like(pull))
        losses = ops.where(both, ops.softplus(total), ops.zeros_like(total))
        terms = ops.cast(both, losses.dtype)
        return mean_of_terms(losses, terms, self.cross_replica)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "gamma": self.gamma,
            "margin": self.margin,
            "gradient": self.gradient,
        }
