"""Base of the heads that train by distances to agents."""

from typing import Any

from keras_hypersphere import arguments
from keras_hypersphere.layers.agent_layer import AgentLayer
from keras_hypersphere.layers.head import HeadStep
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.ops import bounds, sphere


class AgentHead(AgentLayer):
    """Gives negative distances; with labels, adds a loss of them.

    `loss` is that of `kh.losses`, whose `options` are the head's too.
    """

    adds_loss = True
    trains_itself = True

    def __init__(
        self,
        units: int,
        loss: MetricLoss,
        normalize_inputs: bool = True,
        loss_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        self.normalize_inputs = arguments.flag(
            "normalize_inputs", normalize_inputs
        )
        self.loss_weight = arguments.number(
            "loss_weight", loss_weight, minimum=0.0
        )
        self.loss = loss
        for name, value in loss.options.items():
            setattr(self, name, value)

    def without_labels(self, inputs: Any) -> Any:
        return -self._measured(inputs)

    def step(self, inputs: Any, labels: Any, training: bool | None) -> HeadStep:
        distances = self._measured(inputs)
        losses = self.agent_losses(distances, labels, training)
        losses = bounds.nan_unless_finite(self.loss_weight * losses, distances)
        return HeadStep(-distances, -distances, losses)

    def agent_losses(
        self, distances: Any, labels: Any, training: bool | None
    ) -> Any:
        """(N, units) distances and (N,) labels -> (N,) losses."""
        return self.loss.anchor_losses(labels, distances)

    def _measured(self, inputs: Any) -> Any:
        """(N, d) inputs -> (N, units) distances."""
        x = self.upcast(inputs)
        if self.normalize_inputs:
            x, _ = sphere.normalize(x, -1, epsilon=self.epsilon)
        return self.distances(x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "normalize_inputs": self.normalize_inputs,
            "loss_weight": self.loss_weight,
            **self.loss.options,
        }
