"""The softmax cross-entropy, exact under uneven replicas."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.losses.metric_loss import MEANS, MetricLoss
from keras_hypersphere.ops import gradients
from keras_hypersphere.ops import labels as class_labels


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SoftmaxCrossEntropy(MetricLoss):
    """Cross-entropy of class logits `f`, with a mean over all replicas.

    `L_i = (1 - s) l_{i y_i} + s / C * sum_j l_ij` for a sample of class
    `y_i`, with `l_ij = log(sum_k exp(f_ik)) - f_ij` and `s` the
    `label_smoothing`.

    The numbers are those of `keras.losses.SparseCategoricalCrossentropy(
    from_logits=True)` on one device, which has no `label_smoothing`; those
    of `CategoricalCrossentropy` with it. Under `tf.distribute`, Keras
    averages the means of replicas, whatever the number of their samples;
    here every sample of an uneven last batch weighs the same.
    `kh.models.MarginModel` trains with it by default.

    Args:
        label_smoothing: float in [0, 1], the share of a sample's weight
            that all classes have in common. Defaults to `0.0`.
        ignore_class: int or None: samples of this class have no loss and
            do not count in the mean. It may lie outside of the classes,
            `-1` for example. Defaults to None.
        maximum: float > 0, where the loss of a sample is cut, so that the
            sum over a batch stays finite; the gradient is not. Defaults to
            `1e30`; `87.3365` reports what Caffe does.
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
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> loss = kh.losses.SoftmaxCrossEntropy()
    >>> round(float(loss(np.array([0]), np.array([[2.0, 0.0]]))), 4)
    0.1269

    Reference:
        Caffe's `SoftmaxWithLoss`, which cuts each loss at 87.3365, where the
        probability underflows. `ignore_class` is its `ignore_label`. Its
        `label_smooth_factor` (in NormFace's Caffe) is shared by the wrong
        classes alone: `a` there is `label_smoothing = a C / (C - 1)` here.
    """

    labels_are_columns = True

    def __init__(
        self,
        label_smoothing: float = 0.0,
        ignore_class: int | None = None,
        maximum: float = 1e30,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.label_smoothing = arguments.number(
            "label_smoothing", label_smoothing, minimum=0.0
        )
        if self.label_smoothing > 1.0:
            raise ValueError(
                "`label_smoothing` must lie in [0, 1]. "
                f"Received: label_smoothing={label_smoothing}; 0.1 is usual."
            )
        self.ignore_class = (
            None
            if ignore_class is None
            else arguments.integer("ignore_class", ignore_class)
        )

        self.maximum = arguments.number("maximum", maximum, positive=True)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Any:
        if self.ignore_class is None:
            return super().__call__(y_true, y_pred, sample_weight)
        y_pred = ops.convert_to_tensor(y_pred)
        kept = class_labels.kept(self._classes(y_true, y_pred))
        kept = ops.cast(kept, self.dtype)
        if self.reduction == "mean_with_sample_weight":
            if sample_weight is not None:
                weights = ops.convert_to_tensor(sample_weight, self.dtype)
                if len(weights.shape) > 1:
                    weights = ops.reshape(weights, (-1,))
                kept = kept * weights
            return super().__call__(y_true, y_pred, kept)
        loss = super().__call__(y_true, y_pred, sample_weight)
        if self.reduction not in MEANS:
            return loss
        # The mean was over all samples; what counts is a share of them.
        share = replicas.batch_mean(ops.sum(kept), ops.size(kept))
        share = ops.stop_gradient(share)
        return loss / ops.where(share > 0, share, ops.ones_like(share))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if self.ignore_class is None:
            return super().call(y_true, y_pred)
        labels = self._classes(y_true, ops.convert_to_tensor(y_pred))
        kept = class_labels.kept(labels)
        losses = super().call(ops.where(kept, labels, 0), y_pred)
        return ops.where(kept, losses, ops.zeros_like(losses))

    def anchor_losses(self, labels: Any, y_pred: Any) -> Any:
        losses = ops.sparse_categorical_crossentropy(
            labels, y_pred, from_logits=True
        )
        share = self.label_smoothing
        if share:
            classes = y_pred.shape[-1]
            rest = ops.logsumexp(y_pred, axis=-1, keepdims=True) - y_pred
            # Divided first: the sum over classes may overflow.
            rest = ops.sum(rest / classes, axis=-1)
            losses = (1.0 - share) * losses + share * rest
        # The sum over a batch must stay finite, and the gradient alive.
        return gradients.straight_through(
            ops.minimum(losses, self.maximum), losses
        )

    def _classes(self, y_true: Any, y_pred: Any) -> Any:
        """(N,) labels, and which of them are ignored."""
        return class_labels.class_indices(
            y_true, y_pred.shape[-1], y_pred.shape[0], self.ignore_class
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "ignore_class": self.ignore_class,
            "maximum": self.maximum,
        }
