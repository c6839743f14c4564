"""Caffe's `Accuracy` as a layer."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import columns


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ClassAccuracy(UpcastLayer):
    """The share of samples whose class is among the best.

    Of equal scores the last class wins, or the first with `smallest`. NaN
    without samples, as in Caffe.

    Args:
        top_k: int, how many classes are looked at.
        smallest: bool, whether small scores are good: distances.
        ignore_class: int or None, a label that does not count.

    Call arguments:
        inputs: `(..., C)` scores.
        labels: one class index for each row, of any shape.
        weights: None, or numbers of which 0 leaves a sample out.
    """

    def __init__(
        self,
        top_k: int = 1,
        smallest: bool = False,
        ignore_class: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.top_k = int(top_k)
        self.smallest = bool(smallest)
        self.ignore_class = ignore_class

    def call(self, inputs: Any, labels: Any, weights: Any = None) -> Any:
        scores = ops.stop_gradient(self.upcast(inputs))
        classes = scores.shape[-1]
        scores = ops.reshape(scores, (-1, classes))
        labels = ops.cast(ops.reshape(labels, (-1,)), "int32")
        own = columns.mask(labels, classes)
        mine = columns.gather(scores, own)
        places = ops.arange(classes, dtype="int32")
        place = ops.expand_dims(labels, 1)
        if self.smallest:
            better, before = scores < mine, places < place
        else:
            better, before = scores > mine, places > place
        ahead = better | (ops.equal(scores, mine) & before)
        rank = ops.sum(ops.cast(ahead, self.upcast_dtype), axis=-1)
        right = ops.cast(rank < self.top_k, self.upcast_dtype)
        counted = ops.ones_like(right)
        if self.ignore_class is not None:
            kept = ops.not_equal(labels, self.ignore_class)
            counted = counted * ops.cast(kept, self.upcast_dtype)
        if weights is not None:
            kept = ops.not_equal(ops.reshape(weights, (-1,)), 0)
            counted = counted * ops.cast(kept, self.upcast_dtype)
        return ops.sum(right * counted) / ops.sum(counted)

    def compute_output_spec(
        self, inputs: Any, labels: Any, weights: Any = None
    ) -> Any:
        return keras.KerasTensor((), dtype=self.upcast_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "top_k": self.top_k,
            "smallest": self.smallest,
            "ignore_class": self.ignore_class,
        }
