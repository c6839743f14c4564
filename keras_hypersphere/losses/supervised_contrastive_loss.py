"""The supervised contrastive loss."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.losses.cosine_loss import CosineLoss
from keras_hypersphere.losses.triplet_arguments import mean_of_terms
from keras_hypersphere.ops import bounds
from keras_hypersphere.ops.log_sums import log_sum_exp


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SupervisedContrastiveLoss(CosineLoss):
    """Softmax cross-entropy of each sample among the others of the batch.

    `L_i = mean over positives p of -log(exp(s_ip / t) / sum_a exp(s_ia /
    t))` for an anchor i, with `s` the cosines, `t` the temperature, a all
    samples but the anchor, and p those of its class. An anchor without a
    positive has a loss of zero.

    Put it behind embeddings, with class labels as targets, and let batches
    hold several samples of a class (`kh.data.BalancedBatches`). Lengths of
    embeddings do not count.

    Args:
        temperature: float > 0. Defaults to `0.1`.
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
        and divided by the number of anchors with a positive, so that the
        mean over the batch is the mean over these.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional, negative or from 2^31 on.

    Example:

    >>> loss = kh.losses.SupervisedContrastiveLoss(temperature=0.5)
    >>> embeddings = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> round(float(loss(np.array([0, 0, 1]), embeddings)), 4)
    0.3485

    Reference:
        Supervised Contrastive Learning (2020),
        https://arxiv.org/abs/2004.11362, equation 2, the loss it calls
        `L_out`. Its authors' code multiplies by `t / 0.07`.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        cross_replica: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(cross_replica, reduction, name, dtype)
        self.temperature = arguments.number(
            "temperature", temperature, positive=True
        )

    def cosine_losses(self, cosines: Any, positive: Any, negative: Any) -> Any:
        scores = cosines / self.temperature
        total = log_sum_exp(scores, positive | negative)
        share = ops.cast(positive, scores.dtype)
        count = ops.sum(share, axis=-1)
        pull = ops.sum(share * scores, axis=-1) / bounds.at_least(count, 1.0)
        has = count > 0
        losses = ops.where(has, total - pull, ops.zeros_like(pull))
        terms = ops.cast(has, losses.dtype)
        return mean_of_terms(losses, terms, self.cross_replica)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature}
