"""Base of the layers that compute in float32 under half policies."""

from typing import Any

import keras

from keras_hypersphere.ops import gradients


class WideLayer(keras.layers.Layer):
    """Takes its inputs as they come and computes in float32 or float64.

    Keras would cast inputs, and labels that are floats, to float16 first:
    long vectors would become infinite, and class 2,049 would become 2,048.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True

    @property
    def wide_dtype(self) -> str:
        """float64 under a float64 policy, float32 otherwise."""
        return "float64" if self.compute_dtype == "float64" else "float32"

    def widen(self, x: Any) -> Any:
        """Casts; gradients go back within the finite range of x's dtype."""
        return gradients.upcast(x, self.wide_dtype)
