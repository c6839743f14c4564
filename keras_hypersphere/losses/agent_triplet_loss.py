"""NormFace's C-triplet loss of distances to agents."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.ops.triplet import triplet

# Hinges of larger distances, summed over classes, would be infinite.
LARGEST = 1e31


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class AgentTripletLoss(MetricLoss):
    """C-triplet loss of distances `D` between samples and agents.

    `L_i = negative_weight * sum_{j != y_i} max(0, D_{i y_i} + margin -
    D_ij)` for a sample of class `y_i`, or only the largest of these hinges.

    Put it behind `kh.layers.InnerDistance`. `kh.layers.AgentTriplet` is both
    in one layer; its outputs are negative distances, not what this loss
    takes. All arguments mean what they mean there.

    Args:
        margin: float >= 0. Defaults to `0.8`.
        hardest_only: bool. Defaults to `True`.
        center_pull: bool, acts on the gradient only. Defaults to `True`.
        positive_weight: float >= 0. Defaults to `1.0`.
        negative_weight: float >= 0. Defaults to `1.0`.
        positive_first: bool. Defaults to `False`.
        positive_upper_bound: float >= 0. Defaults to `1.0`.
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

    >>> loss = kh.losses.AgentTripletLoss()
    >>> distances = [[0.5, 0.8, 1.2], [0.3, 0.2, 2.0]]
    >>> round(float(loss(np.array([0, 2]), np.array(distances))), 4)
    1.55

    Reference:
        NormFace: L2 Hypersphere Embedding for Face Verification (2017),
        https://arxiv.org/abs/1704.06369, equation 11, and its Caffe layer
        `GeneralTripletLoss`.
    """

    labels_are_columns = True

    def __init__(
        self,
        margin: float = 0.8,
        hardest_only: bool = True,
        center_pull: bool = True,
        positive_weight: float = 1.0,
        negative_weight: float = 1.0,
        positive_first: bool = False,
        positive_upper_bound: float = 1.0,
        gradient: str = "exact",
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.options: dict[str, Any] = {
            **arguments.weights(
                margin=margin,
                positive_weight=positive_weight,
                negative_weight=negative_weight,
                positive_upper_bound=positive_upper_bound,
            ),
            **arguments.flags(
                hardest_only=hardest_only,
                center_pull=center_pull,
                positive_first=positive_first,
            ),
            "gradient": arguments.choice(
                "gradient", gradient, ("exact", "caffe")
            ),
        }
        for option, value in self.options.items():
            setattr(self, option, value)

    def anchor_losses(self, labels: Any, y_pred: Any) -> Any:
        y_pred = ops.clip(y_pred, -LARGEST, LARGEST)
        return triplet(y_pred, labels, **self.options)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.options}
