"""Base of the heads that train by distances to agents."""

from typing import Any

from keras_hypersphere.layers import arguments
from keras_hypersphere.layers.added_loss import AddedLoss
from keras_hypersphere.layers.agent_layer import AgentLayer
from keras_hypersphere.ops import labels as class_labels
from keras_hypersphere.ops import sphere


class AgentHead(AgentLayer, AddedLoss):
    """Gives negative distances; with labels, adds a loss of them.

    A subclass says which: `agent_losses(distances, labels, training)` returns
    one value per sample.
    """

    # No cross-entropy needed; read by `kh.models`.
    trains_itself = True

    def __init__(
        self,
        units: int,
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

    def call(self, inputs, labels=None, training=None) -> Any:
        x = self.widen(inputs)
        if self.normalize_inputs:
            x, _ = sphere.normalize(x, -1, epsilon=self.epsilon)
        distances = self.distances(x)
        if labels is not None:
            labels = class_labels.class_indices(labels, self.units, x.shape[0])
            losses = self.agent_losses(distances, labels, training)
            self.add_batch_mean(self.loss_weight * losses)
        return -distances

    def agent_losses(
        self, distances: Any, labels: Any, training: bool | None
    ) -> Any:
        """(N, units) distances and (N,) labels -> (N,) losses."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "normalize_inputs": self.normalize_inputs,
            "loss_weight": self.loss_weight,
        }
