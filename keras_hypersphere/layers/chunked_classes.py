"""Softmax cross-entropy of more classes than a matrix of logits may have."""

from typing import Any

import keras

from keras_hypersphere import arguments
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.layers.wrapped_head import WrappedHead, value_of
from keras_hypersphere.ops import chunked_softmax


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ChunkedClasses(WrappedHead):
    """Trains a margin head in chunks of classes: no `(N, C)` matrix.

    `L = mean_i(log(sum_j exp(f_ij)) - f_iy)`, with the head's logits f and
    its margin, and the gradient of that, are computed for `chunk` classes at
    a time. The numbers are those of the head and
    `kh.losses.SoftmaxCrossEntropy` up to rounding, in `fit` as in `evaluate`.

    The loss is added by the layer, so `compile(optimizer)` alone trains a
    `kh.models.MarginModel` or a `kh.models.with_head` model. `MarginModel`
    logs it as `softmax_cross_entropy`, and `accuracy` from the largest plain
    logits. A step computes four products with the kernel where the plain head
    computes three: use it where memory is short.

    Args:
        head: a `kh.layers.MarginHead` whose loss is the softmax
            cross-entropy, of any margin, annealing, gradient, `ignore_class`
            and statistics. Heads with a loss that replaces it (`SphereFace2`,
            `UniFace`, `ProxyAnchor`) are refused.
        chunk: int, the most classes at a time. Defaults to `65536`.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices. With labels the
            loss is added, with the margin in training (and outside of it if
            the head says `margin_at_test`).
        training: bool.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, units)` plain logits without labels; with labels `(N,)`, the
        class of the largest plain logit.

    dtype: that of the head: float32 under every policy but float64. Classes
    are int32.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> head = kh.layers.ArcFace(1000)
    >>> layer = kh.layers.ChunkedClasses(head, chunk=256)
    >>> x, y = np.random.rand(8, 16).astype("float32"), np.arange(8)
    >>> layer(x, labels=y, training=True).shape[0]
    8
    >>> logits = head(x, labels=y, training=True)
    >>> loss = kh.losses.SoftmaxCrossEntropy()(y, logits)
    >>> abs(float(loss) - float(layer.losses[0])) < 1e-3
    True

    Reference:
        The running maximum and sum are those of Online normalizer calculation
        for softmax (2018), https://arxiv.org/abs/1805.02867. Nothing is left
        out, as it is in `kh.layers.SampledClasses`.
    """

    def __init__(
        self, head: MarginHead, chunk: int = 65536, **kwargs: Any
    ) -> None:
        super().__init__(head, **kwargs)
        self.chunk = arguments.positive_integer("chunk", chunk)

    def cross_entropy(
        self, x: Any, labels: Any, annealing_value: Any, training: bool | None
    ) -> tuple[Any, Any]:
        return chunked_softmax.cross_entropy(
            self.chunk_logits(labels, annealing_value, training),
            x,
            value_of(self.head.kernel),
            [value_of(v) for v in self.other_weights()],
            labels,
            self.units,
            self.chunk,
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "chunk": self.chunk}
