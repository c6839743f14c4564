"""A learning rate that rises before a schedule takes over."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Lets the learning rate rise linearly to a schedule's first value.

    With `t` the number of updates done so far (0 at the first one):

    ```
    t < steps    schedule(0) * (t + 1) / (steps + 1)
    otherwise    schedule(t - steps) with delay, schedule(t) without
    ```

    Args:
        schedule: `LearningRateSchedule` of Keras or of `kh.schedules`.
        steps: int >= 1, updates until the rate is reached.
        delay: bool, whether the schedule begins behind the warm-up. Without,
            it counts the warm-up too, as drops after so many epochs of the
            whole training do. Defaults to `True`.

    Call arguments:
        step: int or integer tensor.

    Raises:
        ValueError: If an argument is not one of those above.

    Example:

    >>> rate = kh.schedules.WarmUp(
    ...     kh.schedules.CaffeLearningRate("poly", 0.1, power=1.0, max_iter=4),
    ...     steps=3,
    ... )
    >>> [round(float(rate(t)), 4) for t in range(7)]
    [0.025, 0.05, 0.075, 0.1, 0.075, 0.05, 0.025]

    Reference:
        [Accurate, Large Minibatch SGD](https://arxiv.org/abs/1706.02677)
        (Goyal et al., 2017), "gradual warmup". InsightFace's
        `PolynomialLRWarmup` makes its first update at the full rate.
    """

    def __init__(self, schedule: Any, steps: int, delay: bool = True) -> None:
        super().__init__()
        if not callable(schedule):
            raise ValueError(
                "`schedule` must be a LearningRateSchedule. "
                f"Received: schedule={schedule!r}. For a fixed rate, pass "
                "CaffeLearningRate('fixed', rate)."
            )
        self.schedule = schedule
        self.steps = arguments.positive_integer("steps", steps)
        self.delay = arguments.flag("delay", delay)

    def __call__(self, step: Any) -> Any:
        t = ops.cast(step, "float32")
        later = ops.maximum(t - self.steps, 0.0) if self.delay else t
        first = self.schedule(ops.zeros_like(t))
        return ops.where(
            t < self.steps,
            first * (t + 1.0) / (self.steps + 1.0),
            self.schedule(later),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "steps": self.steps,
            "delay": self.delay,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WarmUp":
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(**{**config, "schedule": schedule})
