"""Cosines between features and class weights."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.constraints.clip_range import ClipRange
from keras_hypersphere.constraints.unit_vectors import UnitVectors
from keras_hypersphere.initializers.resolve import resolve
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import products, sphere
from keras_hypersphere.ops.projections import project


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CosineDense(UpcastLayer):
    """Dense layer whose outputs are scaled cosines.

    `y_j = scale * (x / |x|).(w_j / |w_j|) + b_j`, where `w_j` is column `j`
    of the kernel and `|v| = sqrt(sum(v^2) + epsilon)`.

    Follow it with a softmax cross-entropy from logits. Cosines without a
    scale cannot be fitted: choose 20 to 30, or learn it from 10 (NormFace).

    Args:
        units: int, number of classes.
        normalize_inputs: bool, whether x is divided by its length. Defaults
            to `True`.
        normalize_kernel: bool, whether the columns are. Defaults to `True`.
        scale: float > 0, the scale, or where it starts if learned. Defaults
            to `1.0`.
        learn_scale: bool. Defaults to `False`.
        scale_range: pair of floats or None, between which a learned scale
            is kept. Defaults to `(0.01, None)`, as NormFace was trained;
            `(None, None)` leaves it free.
        use_bias: bool. Defaults to `False`; a bias is not scaled.
        gradient: `"exact"`, the derivative, or `"caffe"`: the kernel's
            gradient passes the normalization unchanged and a constraint
            renormalizes what is stored after each update. Defaults to
            `"exact"`.
        epsilon: float >= 0, for inputs and kernel. Defaults to `1e-12`.
        kernel_initializer: Defaults to `"unit_sphere"`.
        kernel_regularizer: Defaults to None.
        kernel_constraint: Defaults to None; given one, `gradient="caffe"`
            leaves storage to it.

    Call arguments:
        inputs: float tensor.

    Input shape:
        `(..., d)`

    Output shape:
        `(..., units)`

    dtype: float32 under every policy but float64, whose outputs are float64.

    Raises:
        ValueError: if an argument is not one of those above.

    Example:

    >>> layer = kh.layers.CosineDense(10, scale=30.0)
    >>> tuple(layer(keras.ops.ones((2, 64))).shape)
    (2, 10)

    Reference:
        NormFace: L2 Hypersphere Embedding for Face Verification (2017),
        https://arxiv.org/abs/1704.06369. Its Caffe (InnerProduct with
        `normalize`) has a `(units, d)` blob and renormalizes it as the next
        forward begins, in evaluation too.
    """

    def __init__(
        self,
        units: int,
        normalize_inputs: bool = True,
        normalize_kernel: bool = True,
        scale: float = 1.0,
        learn_scale: bool = False,
        scale_range: tuple[float | None, float | None] = (0.01, None),
        use_bias: bool = False,
        gradient: str = "exact",
        epsilon: float = 1e-12,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = arguments.positive_integer("units", units)
        self.normalize_inputs = arguments.flag(
            "normalize_inputs", normalize_inputs
        )
        self.normalize_kernel = arguments.flag(
            "normalize_kernel", normalize_kernel
        )
        self.scale = arguments.number("scale", scale, positive=True)
        self.learn_scale = arguments.flag("learn_scale", learn_scale)
        self.scale_range = arguments.limits("scale_range", scale_range)
        self.use_bias = arguments.flag("use_bias", use_bias)
        self.gradient = arguments.choice(
            "gradient", gradient, ("exact", "caffe")
        )
        self.epsilon = arguments.number("epsilon", epsilon, minimum=0.0)
        self.kernel_initializer = resolve(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        if self.learn_scale:
            arguments.inside("scale", self.scale, self.scale_range)

    def build(self, inputs_shape) -> None:
        d = arguments.feature_size(inputs_shape)
        straight_through = self.gradient == "caffe" and self.normalize_kernel
        constraint = self.kernel_constraint
        if constraint is None and straight_through:
            constraint = UnitVectors(axis=0, epsilon=self.epsilon)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(d, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.units,), initializer="zeros"
            )
        if self.learn_scale:
            self.learned_scale = self.add_weight(
                name="scale",
                shape=(),
                initializer=keras.initializers.Constant(self.scale),
                constraint=ClipRange(*self.scale_range),
            )
        self.built = True

    def call(self, inputs) -> Any:
        x = self.upcast(inputs)
        kernel = ops.cast(self.kernel, self.upcast_dtype)
        if self.normalize_inputs:
            x, _ = sphere.normalize(x, -1, epsilon=self.epsilon)
        # The features are smaller than the outputs, so they are scaled.
        if self.learn_scale:
            x = x * ops.cast(self.learned_scale, self.upcast_dtype)
        elif self.scale != 1.0:
            x = x * self.scale
        if self.normalize_kernel:
            straight_through = self.gradient == "caffe"
            outputs = project(x, kernel, self.epsilon, straight_through)
        else:
            outputs = products.matmul(x, kernel)
        if self.use_bias:
            outputs = outputs + ops.cast(self.bias, self.upcast_dtype)
        return outputs

    def compute_output_shape(self, inputs_shape) -> Any:
        return (*tuple(inputs_shape)[:-1], self.units)

    def compute_output_spec(self, inputs) -> Any:
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.upcast_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "normalize_inputs": self.normalize_inputs,
            "normalize_kernel": self.normalize_kernel,
            "scale": self.scale,
            "learn_scale": self.learn_scale,
            "scale_range": self.scale_range,
            "use_bias": self.use_bias,
            "gradient": self.gradient,
            "epsilon": self.epsilon,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
            "kernel_constraint": keras.constraints.serialize(
                self.kernel_constraint
            ),
        }
