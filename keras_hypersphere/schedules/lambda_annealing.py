"""How strongly a margin acts as training goes on."""

import math
import numbers
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class LambdaAnnealing:
    """Lets the weight of the plain logit fall while the margin takes over.

    `lambda(t) = max(minimum, base * (1 + gamma * t) ** -power)`, and the
    target logit is `(lambda * plain + margin) / (1 + lambda)`.

    Steps count from 1, as Caffe counts forwards: the defaults give 892.857
    first and reach 5 at step 1,659. A layer that owns an annealing keeps its
    step as a saved weight, which begins at `start`.

    Args:
        base: float >= 0, the weight before the first step. Defaults to
            `1000.0`, the value that SphereFace was trained with.
        gamma: float >= 0, how fast the weight falls. Defaults to `0.12`.
        power: float >= 0. Defaults to `1.0`.
        minimum: float >= 0, the floor; 0 ends at the bare margin, which
            rarely trains. Defaults to `5.0`.
        start: int >= 0, steps already made, for a run that goes on from
            weights without their step. Defaults to `0`.

    Call arguments:
        step: int or integer tensor, counted from 1; `start` is not added.

    Returns:
        A float for a number, a float32 tensor for a tensor.

    Raises:
        ValueError: if an argument is negative or not a number.

    Example:

    >>> schedule = kh.schedules.LambdaAnnealing()
    >>> round(schedule(1), 3), round(schedule(100), 3), schedule(1659)
    (892.857, 76.923, 5.0)

    Reference:
        SphereFace: Deep Hypersphere Embedding for Face Recognition (2017),
        https://arxiv.org/abs/1704.08063. The original counter also advances
        in evaluation and is not saved; ours advances in training only.
    """

    def __init__(
        self,
        base: float = 1000.0,
        gamma: float = 0.12,
        power: float = 1.0,
        minimum: float = 5.0,
        start: int = 0,
    ) -> None:
        arguments: dict[str, Any] = {
            "base": base,
            "gamma": gamma,
            "power": power,
            "minimum": minimum,
        }
        for name, value in arguments.items():
            if (
                not isinstance(value, numbers.Real)
                or isinstance(value, bool)
                or not 0 <= float(value) < math.inf
            ):
                raise ValueError(
                    f"`{name}` must be a finite number, at least 0. "
                    f"Received: {name}={value!r}; see `LambdaAnnealing`."
                )
        steps: Any = start
        if (
            not isinstance(steps, numbers.Integral)
            or isinstance(steps, bool)
            or steps < 0
        ):
            raise ValueError(
                "`start` must be a number of steps, an integer at least 0. "
                f"Received: start={start!r}; pass 0 for a new run."
            )
        self.base = float(base)
        self.gamma = float(gamma)
        self.power = float(power)
        self.minimum = float(minimum)
        self.start = int(start)

    def __call__(self, step: Any) -> Any:
        if isinstance(step, numbers.Real):
            decay = (1.0 + self.gamma * float(step)) ** -self.power
            return max(self.minimum, self.base * decay)
        # A float32 power loses digits when `power` is large (35 in
        # L-Softmax); the logarithm keeps them.
        step = ops.cast(step, "float32")
        decay = ops.exp(-self.power * ops.log1p(self.gamma * step))
        return ops.maximum(self.minimum, self.base * decay)

    def get_config(self) -> dict[str, Any]:
        return {
            "base": self.base,
            "gamma": self.gamma,
            "power": self.power,
            "minimum": self.minimum,
            "start": self.start,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LambdaAnnealing":
        return cls(**config)
