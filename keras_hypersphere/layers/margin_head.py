"""Base of the heads that own class weights and may be given labels."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.constraints.unit_vectors import UnitVectors
from keras_hypersphere.initializers.resolve import resolve
from keras_hypersphere.layers import arguments
from keras_hypersphere.layers.wide_layer import WideLayer
from keras_hypersphere.ops import labels as class_labels
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


class MarginHead(WideLayer):
    """Owns the kernel, routes labels, counts annealing steps.

    A subclass says what its logits are:

    * `logits(x)`: without a margin;
    * `margin_logits(x, labels, annealing_value)`: with it. `labels` are (N,)
      int32; `annealing_value` is lambda, or None without an annealing.

    The step advances once in each training call with labels.
    """

    # Whether `gradient="caffe"` passes the kernel's normalization unchanged.
    unit_kernel = True

    def __init__(
        self,
        units: int,
        annealing: LambdaAnnealing | None = None,
        gradient: str = "exact",
        margin_at_test: bool = False,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = arguments.positive_integer("units", units)
        if isinstance(annealing, dict):
            annealing = keras.saving.deserialize_keras_object(annealing)
        if annealing is not None and not isinstance(annealing, LambdaAnnealing):
            raise ValueError(
                "`annealing` must be a `kh.schedules.LambdaAnnealing` or None "
                f"(the full margin at once). Received: annealing={annealing!r}."
            )
        self.annealing = annealing
        self.gradient = arguments.choice(
            "gradient", gradient, ("exact", "caffe")
        )
        self.margin_at_test = arguments.flag("margin_at_test", margin_at_test)
        self.kernel_initializer = resolve(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, inputs_shape, labels_shape=None) -> None:
        if len(inputs_shape) != 2:
            raise ValueError(
                "`inputs` must have shape (N, d), one feature vector per "
                f"sample. Received: inputs.shape={tuple(inputs_shape)}; put a "
                "`keras.layers.Flatten` before the head."
            )
        straight = self.gradient == "caffe" and self.unit_kernel
        self.kernel = self.add_weight(
            name="kernel",
            shape=(arguments.feature_size(inputs_shape), self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=UnitVectors(axis=0, epsilon=0.0) if straight else None,
        )
        if self.annealing is not None:
            self.annealing_step = self.add_weight(
                name="annealing_step",
                shape=(),
                dtype="int32",
                initializer=keras.initializers.Constant(self.annealing.start),
                trainable=False,
                # Replicas hold one step, not the sum of their steps.
                aggregation="only_first_replica",
            )
        self.built = True

    def call(self, inputs, labels=None, training=None) -> Any:
        x = self.widen(inputs)
        if labels is None:
            return self.logits(x)
        labels = class_labels.class_indices(labels, self.units, x.shape[0])
        if not (training or self.margin_at_test):
            return self.logits(x)
        return self.margin_logits(x, labels, self._annealing_value(training))

    def logits(self, x: Any) -> Any:
        """Logits without a margin."""
        raise NotImplementedError

    def margin_logits(self, x: Any, labels: Any, annealing_value: Any) -> Any:
        """Logits with the margin on each sample's own class."""
        raise NotImplementedError

    def wide_kernel(self) -> Any:
        """The kernel in the dtype of the computation."""
        return ops.cast(self.kernel, self.wide_dtype)

    def _annealing_value(self, training: bool | None) -> Any:
        if self.annealing is None:
            return None
        step = ops.convert_to_tensor(self.annealing_step)
        if training:
            step = step + 1
            self.annealing_step.assign(step)
        else:
            # Evaluation before any training sees the first step's margin.
            step = ops.maximum(step, self.annealing.start + 1)
        return ops.cast(self.annealing(step), self.wide_dtype)

    def compute_output_shape(self, inputs_shape, labels_shape=None) -> Any:
        return (inputs_shape[0], self.units)

    def compute_output_spec(self, inputs, labels=None, training=None) -> Any:
        if labels is not None:
            class_labels.check_shape(tuple(labels.shape), inputs.shape[0])
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.wide_dtype)

    def compute_mask(self, inputs, previous_mask) -> Any:
        return None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "annealing": keras.saving.serialize_keras_object(self.annealing),
            "gradient": self.gradient,
            "margin_at_test": self.margin_at_test,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
        }
