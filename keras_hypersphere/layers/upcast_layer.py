"""Base of the layers that compute in float32 under half policies."""

from typing import Any

import keras

from keras_hypersphere.ops import gradients


class UpcastLayer(keras.layers.Layer):
    """Takes its inputs as they come and computes in float32 or float64.

    Keras would cast inputs, and labels that are floats, to float16 first:
    long vectors would become infinite, and class 2,049 would become 2,048.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a weight that is read in its own dtype, not in a half one."""
        # A layer's `autocast=False` does not reach its weights where the
        # layer is called by itself.
        return super().add_weight(*args, autocast=False, **kwargs)

    @property
    def upcast_dtype(self) -> str:
        """float64 under a float64 policy, float32 otherwise."""
        return "float64" if self.compute_dtype == "float64" else "float32"

    def upcast(self, x: Any) -> Any:
        """Casts; gradients go back within the finite range of x's dtype."""
        return gradients.upcast(x, self.upcast_dtype)
