"""Base of the losses that take class labels."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.ops import bounds, class_ids, gradients
from keras_hypersphere.ops import labels as class_labels

MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


class MetricLoss(keras.losses.Loss):
    """One value per sample, from labels and embeddings or distances.

    A subclass computes them: `anchor_losses(labels, y_pred)` takes (N,)
    int32 labels and float32 or float64 `y_pred`, returns (N,) values. A row
    that is not finite has a loss of NaN; all have where labels are wrong, but
    cannot be seen.

    Keras means over the samples of a replica, then over replicas. Here the
    mean is over all samples, also if replicas hold different numbers.
    """

    # Whether labels must be below the number of columns of `y_pred`.
    labels_are_columns = False
    # Whether `anchor_losses` takes a `memory`, for `CrossBatchMemory`.
    takes_memory = False

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        policy = keras.dtype_policies.get(dtype or keras.config.floatx())
        wide = "float64" if policy.compute_dtype == "float64" else "float32"
        super().__init__(name=name, reduction=reduction, dtype=wide)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        y_pred = gradients.upcast(ops.convert_to_tensor(y_pred), self.dtype)
        values = self.call(y_true, y_pred)
        # Not by Keras's own call, which casts labels to a float dtype: from
        # 2^24 on it would make neighbors one class.
        reduced = _Reduced(self.reduction, self.name, self.dtype)
        loss = reduced(values, y_pred, sample_weight)
        if self.reduction not in MEANS:
            return loss
        count = ops.cast(ops.shape(y_pred)[0], self.dtype)
        weighted = self.reduction == "mean_with_sample_weight"
        if weighted and sample_weight is not None:
            count = ops.sum(ops.cast(sample_weight, self.dtype))
        # A replica without samples has the mean of nothing.
        loss = ops.sum(loss)
        loss = ops.where(count > 0, loss, ops.zeros_like(loss))
        number = replicas.replica_count()
        if number == 1:
            return loss
        mean = replicas.batch_mean(loss * number * count, count)
        return mean / number

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        if len(y_pred.shape) != 2:
            raise ValueError(
                "`y_pred` must have shape (N, d). "
                f"Received: y_pred.shape={tuple(y_pred.shape)}."
            )
        y_pred = gradients.upcast(y_pred, self.dtype)
        size, wrong = y_pred.shape[0], None
        if self.labels_are_columns:
            labels = class_labels.class_indices(y_true, y_pred.shape[1], size)
        else:
            labels, wrong = class_ids.class_ids(y_true, 2**31, size)
        values = self.anchor_losses(labels, y_pred)
        # Training that diverged must not look as if it had nothing to learn.
        values = bounds.nan_unless_finite(values, y_pred)
        if self.labels_are_columns:
            return class_labels.poisoned(values, labels)
        return class_ids.nan_where(wrong, values)

    def anchor_losses(self, labels: Any, y_pred: Any) -> Any:
        """(N,) labels and (N, d) tensor -> (N,) losses."""
        raise NotImplementedError


class _Reduced(keras.losses.Loss):
    """What Keras makes of values, predictions (their mask) and weights."""

    def __init__(self, reduction: Any, name: str, dtype: str) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return y_true
