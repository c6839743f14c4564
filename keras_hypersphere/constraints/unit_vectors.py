"""Weights that stay on the unit sphere."""

from typing import Any

import keras

from keras_hypersphere.ops import sphere


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class UnitVectors(keras.constraints.Constraint):
    """Projects weight vectors to unit length after each update.

    `w <- w / sqrt(|w|^2 + epsilon)` along `axis`; the optimizer's momentum
    is left alone, as in Caffe.

    Args:
        axis: int, the axis along which vectors lie. Defaults to `0`: the
            columns of a `(d, units)` kernel.
        epsilon: float, inside the root. Defaults to `1e-12`.

    dtype: computed in float32 for half-precision weights.

    Example:

    >>> constraint = kh.constraints.UnitVectors()
    >>> w = constraint(keras.ops.array([[3.0], [4.0]]))
    >>> [round(float(v), 4) for v in w[:, 0]]
    [0.6, 0.8]

    Reference:
        `normalize` of InnerProduct in NormFace's Caffe (2017),
        https://github.com/happynear/caffe-windows/tree/ms. Caffe does it as
        the next forward begins, we as the update ends.
    """

    def __init__(self, axis: int = 0, epsilon: float = 1e-12) -> None:
        self.axis = axis
        self.epsilon = epsilon

    def __call__(self, w: Any) -> Any:
        dtype = keras.backend.standardize_dtype(w.dtype)
        wide = "float64" if dtype == "float64" else "float32"
        w = keras.ops.cast(w, wide)
        unit, _ = sphere.normalize(w, axis=self.axis, epsilon=self.epsilon)
        return keras.ops.cast(unit, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis, "epsilon": self.epsilon}
