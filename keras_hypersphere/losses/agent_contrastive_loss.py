"""NormFace's C-contrastive loss of distances to agents."""

from typing import Any

import keras

from keras_hypersphere import arguments
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.ops.contrastive import contrastive


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class AgentContrastiveLoss(MetricLoss):
    """C-contrastive loss of distances `D` between samples and agents.

    `L_i = P_i + sum_{j != y_i} Q_ij` for a sample of class `y_i`, with
    `P_i = positive_weight * min(positive_outlier, max(0, D_{i y_i} -
    positive_margin))` and `Q_ij = negative_weight * max(0, negative_margin -
    D_ij)`: a sum over classes, a mean over samples.

    Put it behind `kh.layers.InnerDistance`. `kh.layers.AgentContrastive` is
    both in one layer; its outputs are negative distances, not what this loss
    takes. All arguments mean what they mean there.

    Args:
        positive_margin: float >= 0. Defaults to `0.0`.
        negative_margin: float >= 0. Defaults to `1.0`.
        positive_weight: float >= 0. Defaults to `1.0`.
        negative_weight: float >= 0. Defaults to `1.0`.
        positive_outlier: float >= 0. Defaults to `4.0`.
        normalize_negative: float >= 0 or None. Defaults to None.
        max_negative_only: bool. Defaults to `False`.
        max_positive_only: bool. Defaults to `False`.
        positive_first: bool. Defaults to `False`.
        positive_upper_bound: float >= 0. Defaults to `1.0`.
        exponential_negative: bool. Defaults to `False`.
        adaptive_margin: must be `False`: it is state, which the layer saves.
        gradient: `"exact"` or `"caffe"`. Defaults to `"exact"`.
        reduction: as in Keras; means are over all replicas' samples.
            Defaults to `"sum_over_batch_size"`.
        name: str or None.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class indices.
        y_pred: `(N, C)` distances.

    Input shape:
        `(N, C)`

    Output shape:
        `()`; `(N,)` from `call` and with `reduction=None`.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> loss = kh.losses.AgentContrastiveLoss()
    >>> distances = [[0.5, 0.8, 1.2], [0.3, 0.2, 2.0]]
    >>> round(float(loss(np.array([0, 2]), np.array(distances))), 4)
    2.1

    Reference:
        NormFace: L2 Hypersphere Embedding for Face Verification (2017),
        https://arxiv.org/abs/1704.06369, equation 10, and its Caffe layer
        `GeneralContrastiveLoss`.
    """

    labels_are_columns = True

    def __init__(
        self,
        positive_margin: float = 0.0,
        negative_margin: float = 1.0,
        positive_weight: float = 1.0,
        negative_weight: float = 1.0,
        positive_outlier: float = 4.0,
        normalize_negative: float | None = None,
        max_negative_only: bool = False,
        max_positive_only: bool = False,
        positive_first: bool = False,
        positive_upper_bound: float = 1.0,
        exponential_negative: bool = False,
        adaptive_margin: bool = False,
        gradient: str = "exact",
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        if arguments.flag("adaptive_margin", adaptive_margin):
            raise ValueError(
                "`adaptive_margin` must be False in a loss, which saves no "
                "state. Received: adaptive_margin=True; use "
                "`kh.layers.AgentContrastive(units, adaptive_margin=True)`."
            )
        self.adaptive_margin = adaptive_margin
        if normalize_negative is not None:
            normalize_negative = arguments.number(
                "normalize_negative", normalize_negative, minimum=0.0
            )
        self.options: dict[str, Any] = {
            **arguments.weights(
                positive_margin=positive_margin,
                negative_margin=negative_margin,
                positive_weight=positive_weight,
                negative_weight=negative_weight,
                positive_outlier=positive_outlier,
                positive_upper_bound=positive_upper_bound,
            ),
            "normalize_negative": normalize_negative,
            **arguments.flags(
                max_negative_only=max_negative_only,
                max_positive_only=max_positive_only,
                positive_first=positive_first,
                exponential_negative=exponential_negative,
            ),
            "gradient": arguments.choice(
                "gradient", gradient, ("exact", "caffe")
            ),
        }
        for option, value in self.options.items():
            setattr(self, option, value)

    def anchor_losses(self, labels: Any, y_pred: Any) -> Any:
        return contrastive(y_pred, labels, **self.options)[0]

    def with_hinges(
        self, labels: Any, distances: Any, more_margin: Any
    ) -> tuple[Any, Any]:
        """(N,) losses with a larger negative margin, and (N,) pulls.

        The pulls, before their weight, are what an adaptive margin follows.
        """
        margin = self.negative_margin + more_margin
        options = {**self.options, "negative_margin": margin}
        return contrastive(distances, labels, **options)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.options,
            "adaptive_margin": self.adaptive_margin,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AgentContrastiveLoss":
        # Older ones also have what is the layer's alone.
        old = ("max_negative_margin",)
        return cls(**{k: v for k, v in config.items() if k not in old})
