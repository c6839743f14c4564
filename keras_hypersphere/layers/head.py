"""Base of the layers that take the labels of a batch."""

import warnings
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.added_loss import AddedLoss
from keras_hypersphere.ops import labels as class_labels


class HeadStep(NamedTuple):
    """What a head makes of a batch with labels.

    `outputs` are those of the layer; `plain` the outputs without a margin,
    from which classes are predicted; `losses`, `(N,)` or None, what the head
    itself adds for each sample; `cross_entropy`, `(N,)`, what a head adds that
    owns its softmax: its outputs and `plain` are then `(N,)` classes.
    """

    outputs: Any
    plain: Any
    losses: Any = None
    cross_entropy: Any = None


class Head(AddedLoss):
    """Routes labels: checks them, leaves out the ignored, adds the loss.

    A subclass says:

    * `without_labels(inputs)`: its outputs without labels;
    * `step(inputs, labels, training)`: a `HeadStep` with them. `labels` are
      (N,) int32; one that is negative belongs to no class.
    """

    # Whether outputs score classes. CenterLoss hands its inputs on.
    gives_logits = True
    # Whether the smallest output marks the right class, not the largest.
    gives_distances = False
    # Whether the head's own loss stands for the softmax cross-entropy.
    trains_itself = False
    # Whether that loss is a softmax cross-entropy. With labels such a head
    # gives the (N,) classes of the largest logits, no logits.
    owns_cross_entropy = False

    def __init__(
        self, units: int, ignore_class: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = arguments.positive_integer("units", units)
        self.ignore_class = (
            None
            if ignore_class is None
            else arguments.integer("ignore_class", ignore_class)
        )
        # Nobody wants to read it in every epoch.
        self.warned = False
        # With gradient accumulation, the batches of one update.
        self.batches_per_update = 1

    @property
    def has_margin(self) -> bool:
        """Whether labels change the outputs in training."""
        return False

    @property
    def adds_loss(self) -> bool:
        """Whether `step` has losses."""
        return False

    @property
    def weights_need_labels(self) -> bool:
        """Whether class weights learn from labels alone."""
        return False

    def call(self, inputs, labels=None, training=None) -> Any:
        if labels is None:
            if training:
                self._warn_of_no_labels()
            return self.without_labels(inputs)
        labels = class_labels.class_indices(
            labels, self.units, inputs.shape[0], self.ignore_class
        )
        step = self.step(inputs, labels, training)
        if step.losses is not None:
            kept = class_labels.kept(labels)
            losses = class_labels.poisoned(step.losses, labels)
            self.add_batch_mean(losses, kept)
        if not self.gives_logits:
            return step.outputs
        return class_labels.poisoned(step.outputs, labels)

    def without_labels(self, inputs: Any) -> Any:
        """The outputs of a call without labels."""
        raise NotImplementedError

    def step(self, inputs: Any, labels: Any, training: bool | None) -> HeadStep:
        """What comes of a batch with labels."""
        raise NotImplementedError

    def add_state(self, name: str, shape: tuple = (), **kwargs: Any) -> Any:
        """Adds a weight that training moves without a gradient.

        It is saved, one for all replicas, and float32 under half policies.
        """
        options = {
            "initializer": "zeros",
            "dtype": self.upcast_dtype,
            "trainable": False,
            "aggregation": "only_first_replica",
            **kwargs,
        }
        return self.add_weight(name=name, shape=shape, **options)

    def batch_mean(self, values: Any, labels: Any, default: Any = 0.0) -> Any:
        """Mean of (N,) values over all replicas, without ignored samples.

        A constant for the gradient; `default` without any sample. What is
        not finite, as where half precision overflows, does not count: a
        running mean would never forget it.
        """
        counted = class_labels.kept(labels) & ops.isfinite(values)
        kept = ops.cast(counted, values.dtype)
        values = ops.where(kept > 0, ops.stop_gradient(values), 0.0)
        mean = replicas.batch_mean(ops.sum(values), ops.sum(kept))
        count = replicas.sum_over_replicas(ops.sum(kept))
        return ops.where(count > 0, mean, ops.cast(default, values.dtype))

    def move_mean(
        self, state: Any, values: Any, labels: Any, rate: float
    ) -> None:
        """Moves a running mean by `rate` to the batch's mean of (N,) values.

        Without any sample it stays where it is.
        """
        now = ops.convert_to_tensor(state)
        mean = self.batch_mean(values, labels, default=now)
        self.move_to(state, mean, rate)

    def move_to(self, state: Any, value: Any, rate: float) -> None:
        """Moves a state by `rate` to a batch's value.

        The batches that are accumulated for one update move it by `rate`
        together.
        """
        now = ops.convert_to_tensor(state)
        rate = 1.0 - (1.0 - rate) ** (1.0 / self.batches_per_update)
        state.assign(now + rate * (ops.cast(value, now.dtype) - now))

    def _warn_of_no_labels(self) -> None:
        misses = [
            what
            for what, has in (
                ("applies no margin", self.has_margin),
                ("adds no loss", self.adds_loss),
                ("moves no class weight", self.weights_need_labels),
            )
            if has
        ]
        if not misses or self.warned:
            return
        self.warned = True
        warnings.warn(
            f"{type(self).__name__} {self.name!r} is called in training "
            f"without labels, and {' and '.join(misses)}. Train "
            "`kh.models.MarginModel(backbone, head)` with fit(x, y), or "
            "`kh.models.with_head(backbone, head)` with the labels as an "
            "input.",
            stacklevel=2,
        )

    def compute_output_shape(self, inputs_shape, labels_shape=None) -> Any:
        return (inputs_shape[0], self.units)

    def compute_output_spec(self, inputs, labels=None, training=None) -> Any:
        if labels is not None:
            class_labels.check_shape(tuple(labels.shape), inputs.shape[0])
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.upcast_dtype)

    def compute_mask(self, inputs, previous_mask) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "ignore_class": self.ignore_class,
        }
