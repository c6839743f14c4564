"""Caffe's learning-rate policies."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

REQUIRED = {
    "fixed": (),
    "step": ("gamma", "stepsize"),
    "exp": ("gamma",),
    "inv": ("gamma", "power"),
    "multistep": ("gamma", "stepvalue"),
    "poly": ("power", "max_iter"),
    "sigmoid": ("gamma", "stepsize"),
}


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CaffeLearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """Caffe's learning-rate policies.

    With `t` the number of updates done so far (0 at the first one):

    ```
    fixed      base_lr
    step       base_lr * gamma ^ floor(t / stepsize)
    exp        base_lr * gamma ^ t
    inv        base_lr * (1 + gamma * t) ^ (-power)
    multistep  base_lr * gamma ^ (number of stepvalues <= t)
    poly       base_lr * (1 - t / max_iter) ^ power
    sigmoid    base_lr / (1 + exp(-gamma * (t - stepsize)))
    ```

    Args:
        policy: One of the names above, a solver file's `lr_policy`.
        base_lr: Float, greater than 0.
        **parameters: What the policy needs, under the names of the solver
            file: `gamma`, `power`, `stepsize`, `stepvalue` (a sequence of
            growing whole numbers), `max_iter`. After `max_iter`, where
            Caffe stops, `poly` stays at 0.

    Raises:
        ValueError: For an unknown policy, and for a parameter that is
            missing, not the policy's, or out of its range.

    Example:

    >>> import keras_hypersphere as kh
    >>> rate = kh.schedules.CaffeLearningRate(
    ...     "multistep", 0.1, gamma=0.1, stepvalue=[16000, 24000]
    ... )
    >>> [round(float(rate(t)), 6) for t in (0, 15999, 16000, 24000)]
    [0.1, 0.1, 0.01, 0.001]

    Reference:
        [Caffe: Convolutional Architecture for Fast Feature Embedding](
        https://arxiv.org/abs/1408.5093), 2014, `lr_policy`.
    """

    def __init__(self, policy: str, base_lr: float, **parameters: Any) -> None:
        super().__init__()
        if policy not in REQUIRED:
            raise ValueError(
                f"`policy` must be one of {', '.join(REQUIRED)}. "
                f"Received: policy={policy!r}."
            )
        if not base_lr > 0:
            raise ValueError(
                "`base_lr` must be greater than 0. "
                f"Received: base_lr={base_lr}."
            )
        if set(parameters) != set(REQUIRED[policy]):
            raise ValueError(
                f"Policy {policy!r} takes exactly "
                f"{', '.join(REQUIRED[policy]) or 'no parameters'}. "
                f"Received: {', '.join(sorted(parameters)) or 'none'}."
            )
        for name, value in parameters.items():
            check_parameter(policy, name, value)
        self.policy = policy
        self.base_lr = float(base_lr)
        self.parameters = parameters

    def __call__(self, step: Any) -> Any:
        t = ops.cast(step, "float32")
        p = self.parameters
        if self.policy == "step":
            factor = p["gamma"] ** ops.floor(t / p["stepsize"])
        elif self.policy == "exp":
            factor = p["gamma"] ** t
        elif self.policy == "inv":
            factor = (1.0 + p["gamma"] * t) ** -p["power"]
        elif self.policy == "multistep":
            passed = t >= ops.convert_to_tensor(p["stepvalue"], "float32")
            factor = p["gamma"] ** ops.sum(ops.cast(passed, "float32"))
        elif self.policy == "poly":
            left = ops.maximum(1.0 - t / p["max_iter"], 0.0)
            factor = left ** p["power"]
        elif self.policy == "sigmoid":
            factor = ops.sigmoid(p["gamma"] * (t - p["stepsize"]))
        else:
            factor = ops.ones_like(t)
        return self.base_lr * factor

    def get_config(self) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "base_lr": self.base_lr,
            **self.parameters,
        }


def check_parameter(policy: str, name: str, value: Any) -> None:
    """Refuses a value that the formula cannot take."""
    if name == "stepvalue":
        fits = (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and all(isinstance(v, int) and v >= 0 for v in value)
            and list(value) == sorted(set(value))
        )
        expected = "a sequence of growing whole numbers"
    elif name in ("stepsize", "max_iter"):
        fits = isinstance(value, int) and value > 0
        expected = "a whole number greater than 0"
    else:
        # A falling sigmoid has a negative gamma.
        signed = policy == "sigmoid"
        fits = isinstance(value, int | float) and (signed or value >= 0)
        expected = "a number" if signed else "a number that is not negative"
    if not fits:
        raise ValueError(
            f"`{name}` must be {expected}. Received: {name}={value!r}."
        )
