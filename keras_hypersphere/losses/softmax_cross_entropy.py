"""The softmax cross-entropy, exact under uneven replicas."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.ops import gradients


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SoftmaxCrossEntropy(MetricLoss):
    """Cross-entropy of class logits `f`, with a mean over all replicas.

    `L_i = -log(exp(f_{i y_i}) / sum_j exp(f_ij))` for a sample of class
    `y_i`.

    The numbers are those of `keras.losses.SparseCategoricalCrossentropy(
    from_logits=True)` on one device. Under `tf.distribute`, Keras averages
    the means of replicas, whatever the number of their samples; here every
    sample of an uneven last batch weighs the same. `kh.models.MarginModel`
    trains with it by default.

    Args:
        reduction: as in Keras; means are over all replicas' samples.
            Defaults to `"sum_over_batch_size"`.
        name: str or None.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class indices.
        y_pred: `(N, C)` logits.

    Input shape:
        `(N, C)`

    Output shape:
        `()`; `(N,)` from `call` and with `reduction=None`.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if labels are one-hot, fractional or out of range.

    Example:

    >>> loss = kh.losses.SoftmaxCrossEntropy()
    >>> round(float(loss(np.array([0]), np.array([[2.0, 0.0]]))), 4)
    0.1269

    Reference:
        Caffe's `SoftmaxWithLoss`, which cuts each loss at 87.3365, where the
        probability underflows; this one at 1e30, where a batch's sum would.
    """

    labels_are_columns = True

    def anchor_losses(self, labels: Any, y_pred: Any) -> Any:
        losses = ops.sparse_categorical_crossentropy(
            labels, y_pred, from_logits=True
        )
        # The sum over a batch must stay finite, and the gradient alive.
        return gradients.graft(ops.minimum(losses, 1e30), losses)
