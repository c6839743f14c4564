"""Caffe's stochastic gradient descent."""

from fnmatch import fnmatchcase
from typing import Any

import keras
from keras import ops

from keras_hypersphere.backend.keras_internals import (
    WholeBatchClipping,
    variable_index,
)


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CaffeSGD(WholeBatchClipping, keras.optimizers.SGD):
    """Caffe's SGD: decay inside the gradient, multipliers a variable.

    For a variable `p` with gradient `g`, velocity `v` and the multipliers
    `(a, b)` of its path:

    ```
    v <- momentum * v + learning_rate * a * (g + weight_decay * b * p)
    p <- p - v
    ```

    Keras's own `weight_decay` shrinks the variable next to the momentum
    ("decoupled"); Caffe adds the decay to the gradient, so that it passes
    through the momentum. Published solver files mean the latter.

    Args:
        learning_rate: Float, `keras.optimizers.schedules.LearningRateSchedule`
            (`kh.schedules.CaffeLearningRate` has Caffe's policies) or a
            callable without arguments.
        momentum: Float in [0, 1]. Defaults to `0.9`.
        weight_decay: Float, not negative. Defaults to `0.0`.
        multipliers: Dictionary `{pattern: (lr_mult, decay_mult)}`. A pattern
            is a shell pattern for `variable.path`, or for its end after
            any `/` (`"bias"`, `"fc6/*"`); the first that fits counts, and
            a variable that none fits has `(1, 1)`. Caffe's usual
            `{"bias": (2, 0)}` doubles the rate of biases and leaves them
            out of the decay.
        name: String, name of the optimizer.
        **kwargs: Clipping, moving averages, gradient accumulation and
            `nesterov`, which is Caffe's solver of that name, as in
            `keras.optimizers.SGD`. Clipping comes before the decay, and
            accumulated gradients are averaged, as Caffe's `clip_gradients`
            and `iter_size` do.

    Raises:
        ValueError: For a negative decay, multipliers that are not pairs of
            numbers, and, once the variables are known, for a pattern that
            fits none of them.

    Example:

    >>> import keras, keras_hypersphere as kh
    >>> optimizer = kh.optimizers.CaffeSGD(
    ...     kh.schedules.CaffeLearningRate(
    ...         "multistep", 0.1, gamma=0.1, stepvalue=[16000, 24000]
    ...     ),
    ...     weight_decay=5e-4,
    ...     multipliers={"bias": (2, 0)},
    ... )
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model.compile(optimizer, "mse")

    Reference:
        [Caffe: Convolutional Architecture for Fast Feature Embedding](
        https://arxiv.org/abs/1408.5093), 2014, `SGDSolver`. Caffe sums the
        gradients of `iter_size` batches and divides by it; the same.
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        multipliers: dict[str, tuple[float, float]] | None = None,
        name: str = "caffe_sgd",
        **kwargs: Any,
    ) -> None:
        # The base would apply a decay of its own, the decoupled one.
        super().__init__(
            learning_rate,
            momentum=float(momentum),
            weight_decay=None,
            name=name,
            **kwargs,
        )
        if weight_decay is None or weight_decay < 0:
            raise ValueError(
                "`weight_decay` must be a number that is not negative. "
                f"Received: weight_decay={weight_decay}. Pass 0.0 for none."
            )
        self.coupled_weight_decay = float(weight_decay)
        self.multipliers = {
            pattern: as_pair(pattern, pair)
            for pattern, pair in (multipliers or {}).items()
        }

    def build(self, variables: list[keras.Variable]) -> None:
        if not self.built:
            paths = [variable.path for variable in variables]
            for pattern in self.multipliers:
                if not any(fits(path, pattern) for path in paths):
                    raise ValueError(
                        "Every pattern of `multipliers` must fit the path of "
                        f"a trainable variable. Received: {pattern!r}, which "
                        f"fits none of {', '.join(paths)}. "
                        "`*` stands for any text."
                    )
            # `update_step` sees the backend's variables, without a path.
            self.pairs = [self.multipliers_of(path) for path in paths]
        super().build(variables)

    def multipliers_of(self, path: str) -> tuple[float, float]:
        """The `(lr_mult, decay_mult)` of a variable's path."""
        for pattern, pair in self.multipliers.items():
            if fits(path, pattern):
                return pair
        return 1.0, 1.0

    def update_step(
        self, gradient: Any, variable: keras.Variable, learning_rate: Any
    ) -> None:
        lr_mult, decay_mult = self.pairs[variable_index(self, variable)]
        gradient = ops.cast(gradient, variable.dtype)
        decay = self.coupled_weight_decay * decay_mult
        if decay:
            gradient = gradient + decay * ops.convert_to_tensor(variable)
        if lr_mult != 1.0:
            gradient = lr_mult * gradient
        super().update_step(gradient, variable, learning_rate)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.nesterov:
            del config["nesterov"]
        config.update(
            {
                "weight_decay": self.coupled_weight_decay,
                "multipliers": {
                    k: list(v) for k, v in self.multipliers.items()
                },
            }
        )
        return config


def fits(path: str, pattern: str) -> bool:
    """Whether a pattern covers a path, or its end after a slash."""
    return fnmatchcase(path, pattern) or fnmatchcase(path, f"*/{pattern}")


def as_pair(pattern: str, pair: Any) -> tuple[float, float]:
    """Checks one entry of `multipliers`."""
    try:
        lr_mult, decay_mult = (float(number) for number in pair)
    except (TypeError, ValueError):
        raise ValueError(
            "`multipliers` must map a path pattern to a pair of numbers "
            f"(lr_mult, decay_mult). Received: {pattern!r}: {pair!r}."
        ) from None
    return lr_mult, decay_mult
