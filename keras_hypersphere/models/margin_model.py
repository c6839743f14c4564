"""A backbone and a head behind plain `fit(x, y)`."""

import functools
from typing import Any

import keras
from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.added_loss import batch_mean
from keras_hypersphere.layers.head import Head
from keras_hypersphere.losses.softmax_cross_entropy import (
    SoftmaxCrossEntropy,
)
from keras_hypersphere.models import from_logits, head_connection, headed_model
from keras_hypersphere.models.checked_labels import (
    CheckedLabels,
    require_labels,
)
from keras_hypersphere.models.latest_value import LatestValue
from keras_hypersphere.models.loss_components import LossComponents
from keras_hypersphere.models.sharded_layout import labels_in_place
from keras_hypersphere.models.step import Batch, Step
from keras_hypersphere.models.watch import Watch
from keras_hypersphere.ops import labels as class_labels

Tensor = Any


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class MarginModel(CheckedLabels):
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
    logits, and a loss of probabilities is refused. Heads with a loss of
    their own (AgentContrastive, AgentTriplet) need no cross-entropy and get
    none; `loss=` then adds one. Sample weights and class weights weigh the
    heads' losses too. The `ignore_class` of the loss is the heads' as well.

    Metrics see the logits without a margin, in `fit` as in `evaluate`; the
    loss of `fit` is that of the logits with it.

    The logs of `fit` and `evaluate` have `accuracy`, `loss`, and its parts:
    the cross-entropy as `softmax_cross_entropy` (another loss under its own
    name), what a head adds under the head's name, as in `center_loss` or
    `agent_contrastive_loss`. Regularizers count in `loss` alone. With
    annealed heads, `annealing` is the margin's lambda after the last step.

    With `gradient_accumulation_steps` of the optimizer, the margin's
    annealing counts updates, and running means move as far in an update as
    they would in one batch. Centers move with each batch, up to that number
    of times as far: divide their `rate` by it.

    Raises:
        ValueError: For a head that gives no logits, for labels that are not
            class indices, and for a loss of something else than logits.

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

    components: Any = None
    data_loss: Any = None

    def __init__(
        self,
        backbone: keras.Model,
        head: Any,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Inputs are the backbone's business, which casts them or does not.
        super().__init__(name=name, autocast=False, **kwargs)
        if not isinstance(backbone, keras.layers.Layer):
            raise ValueError(
                "`backbone` must be a `keras.Model`. "
                f"Received: backbone={backbone!r}."
            )
        self.heads = head_connection.as_list(head)
        self.backbone = backbone
        self.head = head
        self.watch = Watch(self.heads)
        self.annealing = None
        if self._annealed():
            self.annealing = LatestValue(name="annealing")
        outputs = getattr(backbone, "outputs", None)
        if getattr(backbone, "built", False) and outputs:
            headed_model.require_one("output", outputs, backbone)
            self._build_heads(backbone.output_shape)
            self.built = True

    def build(self, input_shape: Any) -> None:
        if isinstance(input_shape, Batch):
            input_shape = input_shape.inputs
        inputs = keras.tree.map_shape_structure(keras.KerasTensor, input_shape)
        self._build_heads(self._embed(inputs, None).shape)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not isinstance(inputs, Batch):
            return self._embed(inputs, training)
        embeddings = self._embed(inputs.inputs, training)
        labels = class_labels.class_indices(
            inputs.labels, self.units, None, self.ignore_class
        )
        return head_connection.run(
            self.heads, embeddings, inputs.labels, labels, training
        )

    def _embed(self, inputs: Any, training: bool | None) -> Tensor:
        # Newer Keras takes `training=None` for an answer.
        told = {} if training is None else {"training": training}
        embeddings = self.backbone(inputs, **told)
        if keras.tree.is_nested(embeddings):
            raise ValueError(
                "`backbone` must have one output, embeddings (N, d). "
                f"Received: {self.backbone.name} with a "
                f"{type(embeddings).__name__} of outputs. Wrap the one that "
                "is meant in a model of its own."
            )
        return embeddings

    def _build_heads(self, shape: Any) -> None:
        for head in self.heads:
            if not head.built:
                head.build(shape)
            shape = head.compute_output_shape(shape)
        last = self.heads[-1]
        # Without logits, embeddings come out and labels are ids.
        self.units = (
            shape[-1] if head_connection.gives_logits(last) else last.units
        )

    def _annealed(self) -> list[Any]:
        """The heads whose margin is annealed."""
        return [
            head
            for head in self.heads
            if getattr(head, "annealing", None) is not None
        ]

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: float | None = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`; see the class for the defaults."""
        loss = from_logits.as_loss(loss)
        self.ignore_class = ignored_class(loss, self.heads)
        if loss is None and not head_connection.trains_itself(self.heads[-1]):
            loss = SoftmaxCrossEntropy(ignore_class=self.ignore_class)
        if self.ignore_class is not None:
            head_connection.require_ignoring(self.heads)
        if metrics is None:
            scores = head_connection.gives_logits(self.heads[-1])
            metrics = ["accuracy"] if scores else []
        super().compile(
            optimizer,
            metrics=from_logits.as_metrics(
                "metrics", metrics, self.ignore_class
            ),
            weighted_metrics=from_logits.as_metrics(
                "weighted_metrics", weighted_metrics, self.ignore_class
            ),
            **kwargs,
        )
        # Keras would add it up with what is logged apart here.
        self.loss = loss
        self.loss_weight = from_logits.as_weight(loss_weights)
        self.data_loss = from_logits.callable_loss(loss)
        names = [
            name for name in head_connection.loss_names(self.heads) if name
        ]
        if head_connection.owns_cross_entropy(self.heads[-1]):
            head_connection.require_no_logits(loss, metrics, weighted_metrics)
            names.insert(0, head_connection.CROSS_ENTROPY)
        self.components = LossComponents(loss, names)
        for head in self.heads:
            if isinstance(head, Head):
                head.batches_per_update = batches_per_update(self.optimizer)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What Keras saves, and the loss."""
        if not self.compiled:
            return None
        config = super().get_compile_config()
        loss = keras.saving.serialize_keras_object(self.loss)
        return {**config, "loss": loss, "loss_weights": self.loss_weight}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles again after loading; Keras leaves own `compile`s to us."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def train_step(self, *arguments: Any) -> Any:
        *state, batch = arguments
        return super().train_step(*state, labelled(self, batch))

    def test_step(self, *arguments: Any) -> Any:
        *state, batch = arguments
        return super().test_step(*state, labelled(self, batch))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        number = replicas.replica_count()
        losses = [ops.sum(loss) / number for loss in self.losses]
        kept = class_labels.kept(y_pred.labels)
        weights = None
        if sample_weight is not None:
            weights = ops.reshape(sample_weight, (-1,))
        parts = {
            name: batch_mean(values, kept, weights)
            for name, values in y_pred.losses.items()
        }
        losses += [loss / number for loss in parts.values()]
        if self.data_loss is not None:
            loss = self.data_loss(y, y_pred.logits, sample_weight)
            losses.append(self.loss_weight * loss)
            parts[self.components.data] = losses[-1] * number
        self.components.update(parts, ops.shape(y_pred.labels)[0])
        for head in self._annealed():
            self.annealing.update_state(head.annealing_now())
        if self.watch.on:
            self.watch.take(y_pred)
        return functools.reduce(ops.add, losses, ops.zeros(()))

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """As `keras.Model.compute_metrics`, of the logits without a margin."""
        # On JAX and PyTorch, Keras builds the metrics before the first step,
        # with embeddings.
        require_labels(y)
        outputs = y_pred.plain if isinstance(y_pred, Step) else y_pred
        return super().compute_metrics(x, y, outputs, sample_weight)

    def watch_embeddings(self, on: bool) -> None:
        """Adds measures of the embeddings to the logs of `fit`, or stops it.

        The compiled steps are made again.
        """
        if self.watch.on != on:
            self.watch.on = on
            self.train_function = self.test_function = None

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Those of Keras, the parts of the loss, and what is watched."""
        found = super().metrics
        if self.components is not None:
            found = [*found, *self.components.trackers]
        if getattr(self, "watch", None) is not None and self.watch.on:
            found = [*found, *self.watch.metrics.values()]
        return found

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """As `keras.Model.save`, to a `.keras` file."""
        if str(filepath).endswith((".h5", ".hdf5")):
            raise ValueError(
                "`filepath` must end in .keras: HDF5 holds no MarginModel. "
                f"Received: filepath={str(filepath)!r}. Save to .keras, or "
                "its weights by save_weights('….weights.h5')."
            )
        super().save(filepath, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "head": keras.saving.serialize_keras_object(self.head),
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
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

    def get_build_config(self) -> dict[str, Any] | None:
        """The inputs of a backbone that does not know them from its config."""
        if getattr(self.backbone, "outputs", None):
            return None
        return self.backbone.get_build_config()


def labelled(model: MarginModel, batch: Any) -> tuple[Any, ...]:
    """Puts the labels of a batch next to its inputs."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
    require_labels(y)
    y = labels_in_place(model, y)
    return Batch(x, y), y, sample_weight


def ignored_class(loss: Any, layers: list[Any]) -> int | None:
    """The one class that loss and heads leave out."""
    named = {
        type(part).__name__: part.ignore_class
        for part in [loss, *layers]
        if getattr(part, "ignore_class", None) is not None
    }
    if len(set(named.values())) > 1:
        raise ValueError(
            "`ignore_class` must be the same in the loss and in the heads. "
            f"Received: {named}."
        )
    return next(iter(named.values()), None)


def batches_per_update(optimizer: Any) -> int:
    """How many batches an optimizer accumulates, 1 where it does not."""
    # A loss scale optimizer stands around the one that accumulates.
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return getattr(inner, "gradient_accumulation_steps", None) or 1
