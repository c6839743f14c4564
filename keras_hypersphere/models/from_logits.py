"""What `compile` takes, for a model whose outputs are logits of classes."""

import functools
import inspect
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments

SPARSE = "sparse_categorical_crossentropy"
# What Keras takes for the same thing, with the name in the logs.
ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy")
CROSS_ENTROPIES = (SPARSE, "crossentropy", "ce")


def as_loss(loss: Any) -> Any:
    """A loss of class indices and logits, or None."""
    if isinstance(loss, list | tuple) and len(loss) == 1:
        [loss] = loss
    if loss is keras.losses.sparse_categorical_crossentropy:
        loss = SPARSE
    if isinstance(loss, dict | list | tuple) or (
        isinstance(loss, str) and loss not in (SPARSE, _class_name(SPARSE))
    ):
        raise ValueError(
            "`loss` must be one loss of class indices and logits. "
            f"Received: loss={loss!r}. Leave it out for the softmax "
            f'cross-entropy, or pass "{SPARSE}" or a loss object.'
        )
    if isinstance(loss, str):
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, name=SPARSE
        )
    _refuse_probabilities("loss", loss)
    return loss


def as_weight(weight: Any) -> float:
    """The number that `loss_weights` stands for, with one loss."""
    if isinstance(weight, list | tuple) and len(weight) == 1:
        [weight] = weight
    if weight is None:
        return 1.0
    return arguments.number("loss_weights", weight)


def callable_loss(loss: Any) -> Any:
    """A loss that Keras would call, of a function too."""
    if loss is None or isinstance(loss, keras.losses.Loss):
        return loss
    return FunctionLoss(loss)


class FunctionLoss(keras.losses.Loss):
    """Means the values of a function, as Keras does."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.function(y_true, y_pred)


def as_metrics(argument: str, metrics: Any, ignore_class: int | None) -> Any:
    """Metrics that read the outputs as logits, and words by their meaning."""
    if not isinstance(metrics, list | tuple):
        metrics = None if metrics is None else [metrics]
    if metrics is None:
        return None
    found = []
    for metric in metrics:
        if metric is keras.losses.sparse_categorical_crossentropy:
            metric = SPARSE
        if isinstance(metric, str) and metric in ACCURACIES:
            metric = LogitAccuracy(ignore_class, name=metric)
        elif isinstance(metric, str) and metric in CROSS_ENTROPIES:
            metric = keras.metrics.SparseCategoricalCrossentropy(
                from_logits=True, name=metric
            )
        _refuse_probabilities(argument, metric)
        found.append(metric)
    return found


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class LogitAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """How often the largest logit is that of the class.

    Predictions are logits, or the `(N,)` classes of the largest.

    Args:
        ignore_class: int or None: samples of this class do not count.
        name: str.
        dtype: as in Keras.
    """

    def __init__(
        self,
        ignore_class: int | None = None,
        name: str = "accuracy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.ignore_class = ignore_class

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        if self.ignore_class is not None:
            kept = ops.not_equal(y_true, self.ignore_class)
            kept = ops.reshape(ops.cast(kept, "float32"), (-1,))
            if sample_weight is not None:
                kept = kept * ops.reshape(sample_weight, (-1,))
            sample_weight = kept
        if len(y_pred.shape) == 1:
            right = ops.equal(
                ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred
            )
            keras.metrics.Mean.update_state(self, right, sample_weight)
            return
        super().update_state(y_true, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ignore_class": self.ignore_class}


def _class_name(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))


def _refuse_probabilities(argument: str, part: Any) -> None:
    """Refuses what would read logits as probabilities."""
    if isinstance(part, keras.losses.Loss | keras.metrics.Metric):
        name = type(part).__name__
        try:
            from_logits = part.get_config().get("from_logits")
        except NotImplementedError:
            return
    elif inspect.isfunction(part) or isinstance(part, functools.partial):
        name = getattr(part, "__name__", "a partial function")
        known = inspect.signature(part).parameters.get("from_logits")
        from_logits = None if known is None else known.default
    else:
        return
    if from_logits is False:
        raise ValueError(
            f"`{argument}` must take logits, which are what the model gives "
            f"it. Received: {name} with from_logits=False. Pass an object "
            "with from_logits=True."
        )
