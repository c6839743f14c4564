from typing import Any, NamedTuple

import keras
from keras import ops

from keras_hypersphere.losses.softmax_cross_entropy import (
    SoftmaxCrossEntropy,
)
from keras_hypersphere.models import heads
from keras_hypersphere.ops import labels as class_labels

Tensor = Any


class Labelled(NamedTuple):
    """Inputs on their way through a training or test step."""

    inputs: Any
    labels: Any


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class MarginModel(keras.Model):
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
    head's logits and logs `accuracy`; `loss=` replaces the cross-entropy and
    `metrics=` the accuracy; both see logits. Heads with a loss of their own
    (AgentContrastive, AgentTriplet) need no cross-entropy and get none;
    `loss=` then adds one. With annealed heads the logs have `annealing`, the
    margin's lambda after the last step.

    Raises:
        ValueError: For a head that gives no logits, and for labels that are
            not class indices.

    Example:

    >>> backbone = keras.Sequential(
    ...     [keras.Input((28, 28)), keras.layers.Flatten(),
    ...      keras.layers.Dense(16)]
    ... )
    >>> model = kh.models.MarginModel(backbone, kh.layers.ASoftmax(10))
    >>> model.compile("adam")
    >>> x, y = np.random.rand(32, 28, 28), np.arange(32) % 10
    >>> history = model.fit(x, y, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'annealing', 'loss']
    >>> model.predict(x, verbose=0).shape
    (32, 16)

    Reference:
        SphereFace and NormFace train this way in Caffe, with the labels as
        second bottom of the head.
    """

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
        return heads.apply(self.heads, embeddings, inputs.labels, training)

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
        if y is None:
            raise ValueError(
                "`y` must hold the class indices of the batch. Received: "
                "y=None. Call fit(x, y), or give a data set of (x, y)."
            )
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
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if self.annealing is not None:
            for head in self.heads:
                if getattr(head, "annealing", None) is not None:
                    self.annealing.update_state(
                        head.annealing(ops.maximum(head.annealing_step, 1))
                    )
        return loss

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


class LatestValue(keras.metrics.Metric):
    """Logs the last value that it was given, not a mean."""

    def __init__(self, name: str, dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.value = self.add_variable(
            (), "zeros", aggregation="only_first_replica", name="value"
        )

    def update_state(self, value: Tensor) -> None:
        """Takes the value over."""
        self.value.assign(ops.cast(value, self.value.dtype))

    def result(self) -> Tensor:
        """The last value."""
        return ops.convert_to_tensor(self.value)
