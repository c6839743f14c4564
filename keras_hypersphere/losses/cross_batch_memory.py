"""Pairs with the embeddings of earlier batches."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.head import Head, HeadStep
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.ops import bounds
from keras_hypersphere.ops import labels as class_labels
from keras_hypersphere.ops.batch_pairs import NOBODY, Memory

# Labels are ids, which need only differ.
IDS = 2**31 - 1


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CrossBatchMemory(Head):
    """Adds a loss of pairs in which earlier batches take part.

    A queue holds the latest `size` embeddings that training has seen, with
    their labels. With labels, in training, the anchors of a batch meet all
    samples of the batch and of the queue; then the batch enters the queue,
    and the oldest leave. What is in the queue gets no gradient. Batches of
    32 thus see the positives and negatives of thousands. While the queue is
    empty the loss is that of the batch alone.

    It is a layer, because the queue belongs to the model: it is saved with
    it, is one for all replicas, and tells training from evaluation. Outputs
    are the inputs. Train it with `kh.models.with_head(backbone, memory)` or
    `kh.models.MarginModel(backbone, memory)` and `compile(optimizer)`, or
    put it in front of a head: `[memory, kh.layers.ArcFace(classes)]`.

    In evaluation the queue is neither read nor changed: the loss is that of
    the batch, so it is lower or higher than in training, and the same for
    one model however it was trained.

    Args:
        loss: a loss of pairs or triplets of `kh.losses` with class labels:
            `TripletLoss`, `PairContrastiveLoss`, `MultiSimilarityLoss`,
            `CircleLoss`, `SupervisedContrastiveLoss`. Its reduction does not
            count; samples are averaged.
        size: int, number of embeddings in the queue.
        loss_weight: float >= 0. Defaults to `1.0`.

    Call arguments:
        inputs: `(N, d)` embeddings.
        labels: None, or `(N,)` or `(N, 1)` ids of classes from 0 to 2^31 -
            2. Without labels nothing is added.
        training: bool, whether the queue takes part and moves.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, d)`, the inputs as they are.

    dtype: that of the inputs; the queue and the loss are float32 under every
    policy but float64.

    Raises:
        ValueError: if an argument is not one of those above, if labels are
            one-hot, fractional or out of range, or if it is passed to
            `compile` as a loss.

    Example:

    >>> backbone = keras.Sequential(
    ...     [keras.Input((8,)), keras.layers.Dense(4)]
    ... )
    >>> loss = kh.losses.SupervisedContrastiveLoss()
    >>> memory = kh.losses.CrossBatchMemory(loss, size=64)
    >>> model = kh.models.MarginModel(backbone, memory)
    >>> model.compile("adam")
    >>> x, y = np.random.rand(32, 8), np.arange(32) % 4
    >>> sorted(model.fit(x, y, batch_size=8, verbose=0).history)
    ['cross_batch_memory_loss', 'loss']
    >>> int(memory.filled())
    32

    Reference:
        Cross-Batch Memory for Embedding Learning (2020),
        https://arxiv.org/abs/1912.06798, which adds the loss of the batch
        alone and begins after 1000 steps. Here both are one loss over the
        union; to begin later, train without it first. In
        pytorch-metric-learning the batch itself is compared without a
        gradient on the other side of its pairs.
    """

    gives_logits = False
    adds_loss = True
    trains_itself = True
    # Its losses are means over samples that all have a class.
    takes_ignored = False

    def __init__(
        self, loss: Any, size: int, loss_weight: float = 1.0, **kwargs: Any
    ) -> None:
        if "ignore_class" in kwargs:
            raise ValueError(
                "`ignore_class` is not offered here: every sample belongs to "
                "a class that others may belong to. Received: ignore_class="
                f"{kwargs['ignore_class']!r}; leave such samples out."
            )
        super().__init__(IDS, **kwargs)
        if isinstance(loss, dict):
            loss = keras.losses.deserialize(loss)
        if not (isinstance(loss, MetricLoss) and loss.takes_memory):
            raise ValueError(
                "`loss` must compare embeddings with one another, as "
                "`kh.losses.TripletLoss()` does, or PairContrastiveLoss, "
                "MultiSimilarityLoss, CircleLoss or "
                f"SupervisedContrastiveLoss. Received: loss={loss!r}."
            )
        self.loss = loss
        self.size = arguments.positive_integer("size", size)
        self.loss_weight = arguments.number(
            "loss_weight", loss_weight, minimum=0.0
        )

    def build(self, inputs_shape: Any, labels_shape: Any = None) -> None:
        as_loss = labels_shape is not None and len(labels_shape) == 2
        if as_loss and labels_shape[1] not in (1, None):
            raise ValueError(
                "`CrossBatchMemory` is a layer, not a loss for `compile`: its "
                "queue is saved with the model. Received: labels of shape "
                f"{tuple(labels_shape)}; train "
                "`kh.models.with_head(backbone, memory)` with "
                "compile(optimizer)."
            )
        arguments.feature_vectors(inputs_shape)
        d = arguments.feature_size(inputs_shape)
        self.queue = self.add_state("queue", (self.size, d))
        self.queue_labels = self.add_state(
            "queue_labels",
            (self.size,),
            dtype="int32",
            initializer=keras.initializers.Constant(NOBODY),
        )
        self.built = True

    def filled(self) -> Any:
        """Number of samples in the queue."""
        return ops.sum(ops.cast(self._real(), "int32"))

    def _real(self) -> Any:
        labels = ops.convert_to_tensor(self.queue_labels)
        return ops.not_equal(labels, NOBODY)

    def without_labels(self, inputs: Any) -> Any:
        return inputs

    def step(self, inputs: Any, labels: Any, training: bool | None) -> HeadStep:
        x = self.upcast(inputs)
        loss: Any = self.loss
        memory = None
        if training:
            memory = Memory(
                ops.cast(ops.convert_to_tensor(self.queue), x.dtype),
                ops.convert_to_tensor(self.queue_labels),
            )
        losses = loss.anchor_losses(labels, x, memory)
        losses = bounds.nan_unless_finite(losses, x)
        if memory is not None:
            self._enqueue(x, labels, memory)
        return HeadStep(inputs, inputs, self.loss_weight * losses)

    def _enqueue(self, x: Any, labels: Any, memory: Memory) -> None:
        """The samples of all replicas go before those of the queue."""
        x, _ = replicas.gather_over_replicas(ops.stop_gradient(x))
        labels, _ = replicas.gather_over_replicas(labels)
        # One batch that is not finite must not stay for many steps.
        real = ops.all(ops.isfinite(x), axis=-1) & (labels >= 0)
        x = ops.where(ops.expand_dims(real, 1), x, ops.zeros_like(x))
        labels = ops.where(real, labels, ops.full_like(labels, NOBODY))
        queue = ops.concatenate([x, memory.embeddings])[: self.size]
        ids = ops.concatenate([labels, memory.labels])[: self.size]
        self.queue.assign(ops.reshape(queue, self.queue.shape))
        self.queue_labels.assign(ops.reshape(ids, (self.size,)))

    def compute_output_shape(
        self, inputs_shape: Any, labels_shape: Any = None
    ) -> Any:
        return inputs_shape

    def compute_output_spec(
        self, inputs: Any, labels: Any = None, training: bool | None = None
    ) -> Any:
        if labels is not None:
            class_labels.check_shape(tuple(labels.shape), inputs.shape[0])
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        # All ids are classes, and none is left out.
        del config["units"], config["ignore_class"]
        return {
            **config,
            "loss": keras.losses.serialize(self.loss),
            "size": self.size,
            "loss_weight": self.loss_weight,
        }
