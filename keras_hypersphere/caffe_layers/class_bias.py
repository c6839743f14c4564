"""A margin that is added to the logit of the sample's own class."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import columns, gradients
from keras_hypersphere.ops import labels as class_labels


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ClassBias(UpcastLayer):
    """`LabelSpecificAdd` of NormFace's Caffe: `z_y + bias` where `z_y > -bias`.

    In training only; the gradient passes unchanged. With `bias_base`, the
    bias is `bias_base + (1 + gamma * t)^power - 1` between `bias_min` and
    `bias_max`, where t counts training calls from `iteration`.

    Args:
        bias: float, minus the margin.
        bias_base: float or None.
        gamma, power, bias_min, bias_max: floats.
        iteration: int, where the counter starts.

    Call arguments:
        inputs: `(N, C)` logits.
        labels: `(N,)` class indices.
        training: bool.

    Returns:
        The logits, and the bias, of shape `(1,)`.
    """

    def __init__(
        self,
        bias: float = 0.0,
        bias_base: float | None = None,
        gamma: float = 0.0,
        power: float = 1.0,
        bias_min: float = 0.0,
        bias_max: float = 0.0,
        iteration: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bias = float(bias)
        self.bias_base = None if bias_base is None else float(bias_base)
        self.gamma = float(gamma)
        self.power = float(power)
        self.bias_min = float(bias_min)
        self.bias_max = float(bias_max)
        self.iteration = int(iteration)

    def build(self, inputs_shape: Any, labels_shape: Any = None) -> None:
        if self.bias_base is not None:
            self.step = self.add_weight(
                name="step",
                shape=(),
                dtype="int32",
                initializer=keras.initializers.Constant(self.iteration),
                trainable=False,
                aggregation="only_first_replica",
            )
        self.built = True

    def call(
        self, inputs: Any, labels: Any, training: bool | None = None
    ) -> Any:
        logits = self.upcast(inputs)
        bias = self._current_bias()
        told = ops.reshape(bias, (1,))
        if not training:
            return logits, told
        labels = class_labels.class_indices(
            labels, logits.shape[-1], logits.shape[0]
        )
        if self.bias_base is not None:
            self.step.assign(self.step + 1)
        own = columns.mask(labels, logits.shape[-1])
        moved = ops.where(own & (logits > -bias), logits + bias, logits)
        return gradients.straight_through(moved, logits), told

    def _current_bias(self) -> Any:
        if self.bias_base is None:
            return ops.convert_to_tensor(self.bias, self.upcast_dtype)
        step = ops.cast(self.step, self.upcast_dtype)
        bias = self.bias_base + (1.0 + self.gamma * step) ** self.power - 1.0
        # As in Caffe, the upper limit wins over the lower.
        return ops.minimum(ops.maximum(bias, self.bias_min), self.bias_max)

    def compute_output_spec(
        self, inputs: Any, labels: Any, training: bool | None = None
    ) -> Any:
        return (
            keras.KerasTensor(inputs.shape, dtype=self.upcast_dtype),
            keras.KerasTensor((1,), dtype=self.upcast_dtype),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "bias": self.bias,
            "bias_base": self.bias_base,
            "gamma": self.gamma,
            "power": self.power,
            "bias_min": self.bias_min,
            "bias_max": self.bias_max,
            "iteration": self.iteration,
        }
