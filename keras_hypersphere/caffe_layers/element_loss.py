"""Caffe's losses that are sums over the entries of a blob."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import columns
from keras_hypersphere.ops import labels as class_labels

KINDS = ("euclidean", "hinge_l1", "hinge_l2", "sigmoid")
NORMALIZATIONS = ("full", "valid", "batch_size", "none")


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ElementLoss(UpcastLayer):
    """`EuclideanLoss`, `HingeLoss`, `SigmoidCrossEntropyLoss`.

    * `"euclidean"`: half the squared difference;
    * `"hinge_l1"`, `"hinge_l2"`: `max(0, 1 - s z)`, or its square, with s = 1
      for the sample's class and -1 for all others;
    * `"sigmoid"`: the cross-entropy of `sigmoid(z)` and a target.

    The sum is divided by the number of samples.

    Args:
        kind: one of the words above.
        normalization: for `"sigmoid"` alone: `"batch_size"`; `"full"` or
            `"valid"`, which count entries; or `"none"`.
        ignore: whole number or None, for `"sigmoid"` alone: targets that
            have no loss, once cut to whole numbers as in Caffe.

    Call arguments:
        inputs: `(N, ...)`.
        targets: the same shape; `(N,)` class indices for a hinge.
    """

    def __init__(
        self,
        kind: str,
        normalization: str = "batch_size",
        ignore: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = arguments.choice("kind", kind, KINDS)
        self.normalization = arguments.choice(
            "normalization", normalization, NORMALIZATIONS
        )
        self.ignore = ignore

    def call(self, inputs: Any, targets: Any) -> Any:
        z = self.upcast(inputs)
        kept = None
        if self.kind.startswith("hinge"):
            labels = class_labels.class_indices(
                targets, z.shape[-1], z.shape[0]
            )
            own = columns.mask(labels, z.shape[-1])
            losses = ops.relu(1.0 + ops.where(own, -z, z))
            if self.kind == "hinge_l2":
                losses = ops.square(losses)
        else:
            t = ops.cast(targets, self.upcast_dtype)
            if self.kind == "euclidean":
                losses = ops.square(z - t) / 2.0
            else:
                losses = ops.softplus(z) - z * t
            if self.ignore is not None:
                # Caffe cuts a target to a whole number first.
                whole = ops.cast(ops.cast(t, "int32"), t.dtype)
                kept = ops.not_equal(whole, float(self.ignore))
                losses = ops.where(kept, losses, ops.zeros_like(losses))
        return ops.sum(losses) / self._count(z, kept)

    def _count(self, z: Any, kept: Any) -> Any:
        if self.normalization == "none":
            return 1.0
        if self.normalization == "batch_size":
            count = ops.shape(z)[0]
        elif self.normalization == "full" or kept is None:
            count = ops.size(z)
        else:
            count = ops.sum(ops.cast(kept, self.upcast_dtype))
        return ops.maximum(ops.cast(count, self.upcast_dtype), 1.0)

    def compute_output_spec(self, inputs: Any, targets: Any) -> Any:
        return keras.KerasTensor((), dtype=self.upcast_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kind": self.kind,
            "normalization": self.normalization,
            "ignore": self.ignore,
        }
