"""Pooling by the length of each window."""

import math
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import sphere
from keras_hypersphere.ops.narrowing import narrow


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class L2Pooling2D(UpcastLayer):
    """Pools windows of an image by their Euclidean length.

    `y = sqrt(sum of x^2 over the window)`, channel by channel. The sum is
    not divided by the size of the window; padded cells add nothing.

    FaceNet's Inception networks pool so inside most of their modules, with
    windows of 3 by 3, strides of 1 and `padding="same"`.

    Args:
        pool_size: int or pair (height, width), the window.
        strides: int or pair. Defaults to None: the pool size.
        padding: `"valid"` or `"same"`. Defaults to `"valid"`.

    Call arguments:
        inputs: float tensor of images, channels last.

    Input shape:
        `(N, height, width, channels)`

    Output shape:
        `(N, new_height, new_width, channels)`; along each axis, with size
        `n`, window `k` and stride `s`: `floor((n - k) / s) + 1` for
        `"valid"` and `ceil(n / s)` for `"same"`.

    dtype: computed in float32 under half policies, then cast to the compute
    dtype. The gradient of a window of zeros is zero; cells smaller than
    about 1e-22 times the largest of their image and channel count as zero.

    Raises:
        ValueError: if an argument is not one of those above, or a window
            of `"valid"` does not fit into the inputs.

    Example:

    >>> x = keras.ops.reshape(keras.ops.array([3.0, 4.0]), (1, 1, 2, 1))
    >>> y = kh.layers.L2Pooling2D((1, 2))(x)
    >>> round(float(y[0, 0, 0, 0]), 4)
    5.0

    Reference:
        FaceNet: A Unified Embedding for Face Recognition and Clustering
        (2015), https://arxiv.org/abs/1503.03832, table 2, which names the
        pooling without a formula. Some ports take the root of the mean.
    """

    def __init__(
        self,
        pool_size: int | tuple[int, int],
        strides: int | tuple[int, int] | None = None,
        padding: str = "valid",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = False
        self.pool_size = pair("pool_size", pool_size)
        self.strides = (
            self.pool_size if strides is None else pair("strides", strides)
        )
        self.padding = arguments.choice("padding", padding, ("valid", "same"))
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape) -> None:
        self.compute_output_shape(input_shape)
        self.built = True

    def call(self, inputs) -> Any:
        x = self.upcast(inputs)
        factor = sphere.scale(x, axis=(-3, -2))
        squares = ops.square(x / factor)
        if self.padding == "same":
            # By hand: backends differ in whether padding counts.
            height, width = ops.shape(x)[1:3]
            rows = around(height, self.pool_size[0], self.strides[0])
            columns = around(width, self.pool_size[1], self.strides[1])
            squares = ops.pad(squares, ((0, 0), rows, columns, (0, 0)))
        mean = ops.average_pool(
            squares,
            self.pool_size,
            self.strides,
            padding="valid",
            data_format="channels_last",
        )
        total = math.prod(self.pool_size) * mean
        empty = ops.equal(total, 0)
        # The root has no derivative at 0.
        size = ops.sqrt(ops.where(empty, ops.ones_like(total), total))
        length = ops.where(empty, ops.zeros_like(size), size) * factor
        return narrow(length, self.compute_dtype)

    def compute_output_shape(self, input_shape) -> tuple:
        sizes: list[int | None] = []
        for n, k, s in zip(
            input_shape[1:3], self.pool_size, self.strides, strict=True
        ):
            if n is None:
                sizes.append(None)
            elif self.padding == "same":
                sizes.append(-(-n // s))
            elif n >= k:
                sizes.append((n - k) // s + 1)
            else:
                raise ValueError(
                    "`pool_size` must fit into the inputs. Received: "
                    f"pool_size={self.pool_size}, inputs.shape="
                    f'{tuple(input_shape)}; pass padding="same".'
                )
        return (input_shape[0], *sizes, input_shape[3])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }


def pair(name: str, value: Any) -> tuple[int, int]:
    """One or two integers -> (for the rows, for the columns)."""
    values = value if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise ValueError(
            f"`{name}` must be an integer or a pair (height, width). "
            f"Received: {name}={value!r}."
        )
    height, width = (arguments.positive_integer(name, v) for v in values)
    return height, width


def around(size: Any, window: int, stride: int) -> tuple[Any, Any]:
    """Padding before and after; `size` may be known at run time only."""
    missing = (-(-size // stride) - 1) * stride + window - size
    if isinstance(missing, int):
        missing = max(missing, 0)
    else:
        missing = ops.maximum(missing, 0)
    return missing // 2, missing - missing // 2
