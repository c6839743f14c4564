"""NormFace's losses of distances as layers, with their second top."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.losses.agent_triplet_loss import AgentTripletLoss
from keras_hypersphere.ops import bounds, columns
from keras_hypersphere.ops import labels as class_labels
from keras_hypersphere.ops.contrastive import moved_mean

LOSSES = {"contrastive": AgentContrastiveLoss, "triplet": AgentTripletLoss}


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class AgentLoss(UpcastLayer):
    """`GeneralContrastiveLoss` and `GeneralTripletLoss` of Caffe.

    Gives the loss and the means that Caffe prints next to it, through which
    no gradient flows: of the distances to the right agents, and of what the
    loss is of all other distances (contrastive: of `max(0, negative_margin -
    D)`; triplet: of `D`); then the adaptive margin's running mean, if any.

    Args:
        kind: `"contrastive"` or `"triplet"`.
        options: dict, what `kh.layers.AgentContrastive` or `AgentTriplet`
            call the same; without `gradient`, which is Caffe's.
        adaptive_margin: bool, for `"contrastive"` alone.
        max_negative_margin: float, where its running mean stops.

    Call arguments:
        inputs: `(N, C)` distances.
        labels: `(N,)` class indices.
        training: bool, whether the running mean moves.
    """

    def __init__(
        self,
        kind: str,
        options: dict[str, Any],
        adaptive_margin: bool = False,
        max_negative_margin: float = 1.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = arguments.choice("kind", kind, tuple(LOSSES))
        self.options = dict(options)
        self.loss = LOSSES[kind](**options, gradient="caffe")
        self.adaptive_margin = adaptive_margin
        self.max_negative_margin = float(max_negative_margin)

    def build(self, inputs_shape: Any, labels_shape: Any = None) -> None:
        if self.adaptive_margin:
            self.intra_distance = self.add_weight(
                name="intra_distance",
                shape=(),
                initializer="zeros",
                trainable=False,
                aggregation="only_first_replica",
            )
        self.built = True

    def call(
        self, inputs: Any, labels: Any, training: bool | None = None
    ) -> Any:
        distances = self.upcast(inputs)
        labels = class_labels.class_indices(
            labels, distances.shape[-1], distances.shape[0]
        )
        of_kind = (
            self._contrastive if self.kind == "contrastive" else self._triplet
        )
        losses, own, others, state = of_kind(distances, labels, training)
        losses = bounds.nan_unless_finite(losses, distances)
        losses = class_labels.poisoned(losses, labels)
        size = ops.shape(distances)[0]
        wrong = ops.logical_not(columns.mask(labels, distances.shape[-1]))
        others = ops.where(wrong, others, ops.zeros_like(others))
        classes = max(distances.shape[-1] - 1, 1)
        means = [
            replicas.batch_mean(ops.sum(own), size),
            replicas.batch_mean(ops.sum(others) / classes, size),
            *state,
        ]
        return (
            replicas.batch_mean(ops.sum(losses), size),
            ops.stop_gradient(ops.stack(means)),
        )

    def _contrastive(
        self, distances: Any, labels: Any, training: bool | None
    ) -> tuple[Any, Any, Any, list[Any]]:
        mean, state = 0.0, []
        if self.adaptive_margin:
            mean = ops.cast(self.intra_distance, self.upcast_dtype)
        losses, hinges = self.loss.with_hinges(labels, distances, mean)
        if self.adaptive_margin:
            here = ops.sum(ops.stop_gradient(hinges))
            now = replicas.batch_mean(here, ops.shape(hinges)[0])
            moved = moved_mean(mean, now, self.max_negative_margin)
            if training:
                self.intra_distance.assign(moved)
            state = [moved if training else mean]
        margin = self.loss.negative_margin + mean
        others = ops.maximum(margin - distances, 0.0)
        return losses, hinges, others, state

    def _triplet(
        self, distances: Any, labels: Any, training: bool | None
    ) -> tuple[Any, Any, Any, list[Any]]:
        losses = self.loss.anchor_losses(labels, distances)
        own = columns.gather(
            distances, columns.mask(labels, distances.shape[-1])
        )
        return losses, own, distances, []

    def compute_output_spec(
        self, inputs: Any, labels: Any, training: bool | None = None
    ) -> Any:
        return (
            keras.KerasTensor((), dtype=self.upcast_dtype),
            keras.KerasTensor(
                (3 if self.adaptive_margin else 2,), dtype=self.upcast_dtype
            ),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kind": self.kind,
            "options": self.options,
            "adaptive_margin": self.adaptive_margin,
            "max_negative_margin": self.max_negative_margin,
        }
