"""A backbone and a head behind plain `fit(x, y)`."""

import functools
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.losses.softmax_cross_entropy import (
    SoftmaxCrossEntropy,
)
from keras_hypersphere.models import heads
from keras_hypersphere.models.latest_value import LatestValue
from keras_hypersphere.models.loss_components import LossComponents
from keras_hypersphere.models.watch import Watch
from keras_hypersphere.models.watched import Watched
from keras_hypersphere.ops import labels as class_labels

Tensor = Any


class Labelled(NamedTuple):
    """Inputs on their way through a training or test step."""

    inputs: Any
    labels: Any


class Scored(NamedTuple):
    """Outputs of such a step: logits, and losses by the name in the logs."""

    logits: Any
    added: dict[str, Any]


def as_scored(y_pred: Any) -> Scored:
    """Logits alone, as Keras passes while it builds metrics, have no losses."""
    return y_pred if isinstance(y_pred, Scored) else Scored(y_pred, {})


def require_labels(y: Any) -> None:
    """Refuses a batch without labels, or of one-hot ones."""
    if y is None:
        raise ValueError(
            "`y` must hold the class indices of the batch. Received: "
            "y=None. Call fit(x, y), or give a data set of (x, y)."
        )
    class_labels.check_shape(tuple(y.shape), None)


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class MarginModel(Watched, keras.Model):
    """A backbone and a head that train with plain `fit(x, y)`.

    In `fit` and `evaluate` the head gets the labels of the batch; the loss
    is `mean(-log softmax(logits)[y])` plus what the heads add. `predict` and
    a direct call return embeddings, without the head.

    Args:
        backbone: `keras.Model` from inputs to embeddings `(N, d)`.
        head: A head of `kh.layers`, any layer from `(N, d)` to logits, or a
            list such as `[CenterLoss(10), CosineDense(10)]`, whose last
            layer gives the logits.
        name: String, name of the model.

    Call arguments:
        inputs: What the backbone takes.
        training: bool.

    Input shape:
        That of the backbone.

    Output shape:
        `(N, d)` for calls and `predict`.

    dtype: That of the backbone; losses are float32.

    `compile(optimizer)` alone trains with the softmax cross-entropy of the
    head's logits; `loss=` replaces it and `metrics=` the accuracy; both see
    logits. Heads with a loss of their own (AgentContrastive, AgentTriplet)
    need no cross-entropy and get none; `loss=` then adds one.

    The logs of `fit` and `evaluate` have `accuracy`, `loss`, and its parts:
    the cross-entropy as `softmax_cross_entropy` (another loss under its own
    name), what a head adds under the head's name, as in `center_loss` or
    `agent_contrastive_loss`. Regularizers count in `loss` alone. With
    annealed heads, `annealing` is the margin's lambda after the last step.

    Raises:
        ValueError: For a head that gives no logits, and for labels that are
            not class indices.

    Example:

    >>> backbone = keras.Sequential(
    ...     [keras.Input((28, 28)), keras.layers.Flatten(),
    ...      keras.layers.Dense(16)]
    ... )
    >>> heads = [kh.layers.CenterLoss(10), kh.layers.ASoftmax(10)]
    >>> model = kh.models.MarginModel(backbone, heads)
    >>> model.compile("adam")
    >>> x, y = np.random.rand(32, 28, 28), np.arange(32) % 10
    >>> history = model.fit(x, y, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'annealing', 'center_loss', 'loss', 'softmax_cross_entropy']
    >>> model.predict(x, verbose=0).shape
    (32, 16)

    Reference:
        SphereFace and NormFace train this way in Caffe, with the labels as
        second bottom of the head.
    """

    components = None

    def __init__(
        self, backbone: keras.Model, head: Any, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        if not isinstance(backbone, keras.layers.Layer):
            raise ValueError(
                "`backbone` must be a `keras.Model`. "
                f"Received: backbone={backbone!r}."
            )
        self.heads = heads.as_list(head)
        self.backbone = backbone
        self.head = head
        self.watch = Watch(self.heads)
        self.annealing = None
        if any(getattr(h, "annealing", None) is not None for h in self.heads):
            self.annealing = LatestValue(name="annealing")
        if getattr(backbone, "built", False) and backbone.outputs:
            self.build(backbone.input_shape)

    def build(self, input_shape: Any) -> None:
        if not self.backbone.built:
            self.backbone.build(input_shape)
        shape = self.backbone.compute_output_shape(input_shape)
        for head in self.heads:
            if not head.built:
                head.build(shape)
            shape = head.compute_output_shape(shape)
        self.units = shape[-1]
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Tensor:
        if not isinstance(inputs, Labelled):
            return self.backbone(inputs, training=training)
        embeddings = self.backbone(inputs.inputs, training=training)
        logits = heads.apply(self.heads, embeddings, inputs.labels, training)
        # Handed on with the logits: on JAX, a head forgets after the call.
        scored = Scored(logits, heads.added_losses(self.heads))
        return self.watch.see(scored, embeddings, inputs.labels, logits)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`; see the class for the defaults."""
        if loss is None and not heads.trains_itself(self.heads[-1]):
            loss = SoftmaxCrossEntropy()
        if metrics is None:
            metrics = ["accuracy"]
        if isinstance(metrics, list | tuple):
            # Keras would guess what "accuracy" means from the loss.
            metrics = [
                keras.metrics.SparseCategoricalAccuracy("accuracy")
                if isinstance(metric, str) and metric == "accuracy"
                else metric
                for metric in metrics
            ]
        super().compile(optimizer, loss, metrics=metrics, **kwargs)
        self.components = LossComponents(loss, heads.loss_names(self.heads))

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles again after loading; Keras leaves own `compile`s to us."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def train_step(self, *arguments: Any) -> Any:
        *state, batch = arguments
        return super().train_step(*state, self._labelled(batch))

    def test_step(self, *arguments: Any) -> Any:
        *state, batch = arguments
        return super().test_step(*state, self._labelled(batch))

    def _labelled(self, batch: Any) -> tuple[Any, ...]:
        """Puts the labels of a batch beside its inputs."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        require_labels(y)
        y = class_labels.class_indices(y, self.units, None)
        return Labelled(x, y), y, sample_weight

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        logits, added = as_scored(self.watch.take(y_pred))
        # Not by the base class, which adds up what is logged apart here.
        number = replicas.replica_count()
        losses = [ops.sum(loss) / number for loss in self.losses]
        parts = dict(added)
        # Keras keeps an old loss when it is compiled again without one.
        if self.components.data is not None:
            losses.append(self._compile_loss(y, logits, sample_weight))
            parts[self.components.data] = losses[-1] * number
        if not losses and isinstance(y_pred, Scored):
            raise ValueError(
                "`loss` must be given to `compile` where no head adds one. "
                "Received: loss=None."
            )
        self.components.update(parts, ops.shape(logits)[0])
        for head in self.heads:
            if getattr(head, "annealing", None) is not None:
                self.annealing.update_state(
                    head.annealing(ops.maximum(head.annealing_step, 1))
                )
        return functools.reduce(ops.add, losses, ops.zeros(()))

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """As `keras.Model.compute_metrics`, of the logits."""
        # On JAX and PyTorch, Keras builds the metrics before the first step.
        require_labels(y)
        logits, _ = as_scored(self.watch.outputs(y_pred))
        return super().compute_metrics(x, y, logits, sample_weight)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Those of Keras, and the parts of the loss."""
        if self.components is None:
            return super().metrics
        return [*super().metrics, *self.components.trackers]

    def get_config(self) -> dict[str, Any]:
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "head": keras.saving.serialize_keras_object(self.head),
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "MarginModel":
        config = dict(config)
        for part in ("backbone", "head"):
            config[part] = keras.saving.deserialize_keras_object(
                config[part], custom_objects=custom_objects
            )
        return cls(**config)
