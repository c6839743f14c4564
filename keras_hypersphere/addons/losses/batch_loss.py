"""Base of the losses that are one number for a whole batch."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.ops import gradients


class BatchLoss(keras.losses.Loss):
    """One number for a batch, which no `reduction` changes.

    A subclass computes it in `call(y_true, y_pred)`. Class labels are not
    cast to a float dtype, in which large ones would become equal.

    A sample weight cannot tell samples apart: the loss is multiplied by the
    mean of the weights. Replicas compute it from their own samples; the
    gradient is the mean of theirs.
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "none",
        dtype: Any = None,
    ) -> None:
        policy = keras.dtype_policies.get(dtype or keras.config.floatx())
        wide = "float64" if policy.compute_dtype == "float64" else "float32"
        super().__init__(name=name, reduction=reduction, dtype=wide)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        y_pred = gradients.upcast(ops.convert_to_tensor(y_pred), self.dtype)
        loss = self.call(y_true, y_pred)
        if sample_weight is not None:
            weights = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            # A replica without samples has the mean of nothing.
            count = ops.maximum(ops.cast(ops.size(weights), self.dtype), 1.0)
            loss = loss * (ops.sum(weights) / count)
        # Keras adds up what replicas give.
        return loss / replicas.replica_count()
