"""Base of the layers that train another head by a softmax of their own."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers import weights_at_hand
from keras_hypersphere.layers.head import Head, HeadStep
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.ops import labels as class_labels


def value_of(variable: keras.Variable) -> Any:
    """The value as a tensor, which on TensorFlow a variable is not.

    A gradient that is written by hand takes no variables there.
    """
    return ops.reshape(variable, variable.shape)


class WrappedHead(Head):
    """Owns the softmax cross-entropy of a `MarginHead`, and adds it.

    A subclass says `cross_entropy(x, labels, annealing_value, training)`:
    `(N,)` losses and the `(N,)` classes of the largest plain logits. All that
    belongs to the head, weights, annealing, statistics, stays with it.
    """

    trains_itself = True
    adds_loss = True
    owns_cross_entropy = True

    def __init__(self, head: MarginHead, **kwargs: Any) -> None:
        if isinstance(head, dict):
            head = keras.saving.deserialize_keras_object(head)
        name = type(self).__name__
        if not isinstance(head, MarginHead):
            raise ValueError(
                "`head` must be a `kh.layers.MarginHead`, such as "
                f"`{name}(kh.layers.ArcFace(classes))`. "
                f"Received: head={head!r}."
            )
        if head.trains_itself:
            raise ValueError(
                "`head` must be trained by a softmax cross-entropy. "
                f"Received: {type(head).__name__}, whose own loss replaces "
                "it; train it without "
                f"{name}."
            )
        for given in ("units", "ignore_class"):
            if given in kwargs:
                raise ValueError(
                    f"`{given}` is the head's. Received: "
                    f"{given}={kwargs[given]!r}; pass it to "
                    f"{type(head).__name__}."
                )
        super().__init__(head.units, head.ignore_class, **kwargs)
        self.head = head

    def build(self, inputs_shape, labels_shape=None) -> None:
        arguments.feature_vectors(inputs_shape)
        if not self.head.built:
            self.head.build(inputs_shape)
        self.build_state()
        self.built = True

    def build_state(self) -> None:
        """Makes what the layer itself keeps, by `add_state`."""

    def cross_entropy(
        self, x: Any, labels: Any, annealing_value: Any, training: bool | None
    ) -> tuple[Any, Any]:
        """Losses and predicted classes of a batch."""
        raise NotImplementedError

    @property
    def kernel(self) -> Any:
        """The head's class weights."""
        return self.head.kernel

    @property
    def upcast_dtype(self) -> str:
        """The head's."""
        return self.head.upcast_dtype

    @property
    def annealing(self) -> Any:
        """The head's."""
        return self.head.annealing

    def annealing_now(self, training: bool | None = None) -> Any:
        """The head's lambda of the last training step."""
        return self.head.annealing_now(training)

    @property
    def batches_per_update(self) -> int:
        """With gradient accumulation, the batches of one update."""
        return self.head.batches_per_update

    @batches_per_update.setter
    def batches_per_update(self, count: int) -> None:
        # The base's constructor comes before the head.
        if hasattr(self, "head"):
            self.head.batches_per_update = count

    def call(self, inputs, labels=None, training=None) -> Any:
        if labels is None:
            return super().call(inputs, None, training)
        labels = class_labels.class_indices(
            labels, self.units, inputs.shape[0], self.ignore_class
        )
        step = self.step(inputs, labels, training)
        kept = class_labels.kept(labels)
        for losses in (step.cross_entropy, step.losses):
            if losses is not None:
                losses = class_labels.poisoned(losses, labels)
                self.add_batch_mean(losses, kept)
        return step.outputs

    def without_labels(self, inputs: Any) -> Any:
        return self.head.without_labels(inputs)

    def step(self, inputs: Any, labels: Any, training: bool | None) -> HeadStep:
        head = self.head
        x = head.upcast(inputs)
        value = None
        if training:
            # There are no logits of all classes to look at.
            head.update_state(x, labels, None)
        if training or head.margin_at_test:
            value = head.next_annealing_value(training)
        losses, classes = self.cross_entropy(x, labels, value, training)
        added = head.sample_losses(x, labels, None, training)
        return HeadStep(classes, classes, added, losses)

    def chunk_logits(
        self, labels: Any, annealing_value: Any, training: bool | None
    ) -> Any:
        """The function that gives logits of some classes, by all it needs."""
        head = self.head
        harder = training or head.margin_at_test
        others = self.other_weights()
        learned = {id(v) for v in [head.kernel, *others]}
        kept = [
            (v, value_of(v)) for v in head.variables if id(v) not in learned
        ]

        def logits(
            kernel: Any, x: Any, weights: Any, values: Any, classes: Any
        ) -> tuple[Any, Any]:
            state = [
                *kept,
                (head.kernel, ops.stop_gradient(kernel)),
                *zip(others, values, strict=True),
            ]
            # Every weight of the head is handed in: what a compiler would
            # find by itself, it could not differentiate.
            with (
                keras.StatelessScope(state),
                weights_at_hand.lend(head, weights),
            ):
                plain = head.logits(x, classes)
                if not harder:
                    return plain, plain
                return (
                    head.harder_logits(
                        plain, x, labels, annealing_value, training, classes
                    ),
                    plain,
                )

        return logits

    def other_weights(self) -> list[Any]:
        """What of the head learns, next to its kernel."""
        return [
            v for v in self.head.trainable_weights if v is not self.head.kernel
        ]

    def compute_output_spec(self, inputs, labels=None, training=None) -> Any:
        if labels is None:
            return super().compute_output_spec(inputs, labels, training)
        class_labels.check_shape(tuple(labels.shape), inputs.shape[0])
        return keras.KerasTensor((inputs.shape[0],), dtype="int32")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["units"], config["ignore_class"]
        return {
            **config,
            "head": keras.saving.serialize_keras_object(self.head),
        }
