"""Addition of tensors of different sizes, the smaller extended by zeros."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ZeroExtendedAdd(keras.layers.Layer):
    """Adds two tensors after extending both by zeros to the larger size.

        output[n, i, j, c] = a[n, i, j, c] + b[n, i, j, c]

    where a tensor reads as 0 beyond its own end of an axis. The zeros come
    at the end of height, width and channels; the batch must agree. Use it
    for a residual connection without weights around a layer that shrinks
    the map or widens the channels, as dlib's `add_prev` does.

    Args:
        **kwargs: As in `keras.layers.Layer`.

    Call arguments:
        inputs: List of two tensors of the same rank.

    Input shape:
        Two shapes `(batch, ..., channels)` of the same rank, 2 or more;
        all sizes but the batch may differ.

    Output shape:
        `(batch, ...)` with the larger of the two sizes on every axis; None
        where one of the two is unknown.

    Raises:
        ValueError: When built on anything but two shapes of one rank.

    Example:

    >>> import numpy as np
    >>> import keras_hypersphere as kh
    >>> layer = kh.layers.ZeroExtendedAdd()
    >>> a, b = np.ones((1, 2, 2, 1)), np.ones((1, 3, 1, 4))
    >>> tuple(layer([a, b]).shape)
    (1, 3, 2, 4)

    Reference:
        - [Deep Residual Learning](https://arxiv.org/abs/1512.03385) (He et
          al., 2015), shortcut A: zeros for the missing channels. Here also
          for missing rows and columns.
    """

    def build(self, input_shape) -> None:
        extended_shape(input_shape)
        self.built = True

    def call(self, inputs) -> keras.KerasTensor:
        sizes = [ops.shape(x) for x in inputs]
        return sum(
            extend(x, mine, theirs)
            for x, mine, theirs in zip(
                inputs, sizes, reversed(sizes), strict=True
            )
        )

    def compute_output_shape(self, input_shape) -> tuple:
        return extended_shape(input_shape)


def extend(x, mine, theirs) -> keras.KerasTensor:
    """Pads x at the end of every axis but the first to the larger size."""
    widths = [(0, 0)]
    for own, other in zip(mine[1:], theirs[1:], strict=True):
        if isinstance(own, int) and isinstance(other, int):
            widths.append((0, max(0, other - own)))
        else:
            # A size known only when the graph runs.
            widths.append((0, ops.maximum(0, other - own)))
    if all(width == (0, 0) for width in widths):
        return x
    return ops.pad(x, widths)


def extended_shape(shapes) -> tuple:
    """The larger of two sizes on every axis."""
    if (
        not isinstance(shapes, (list, tuple))
        or len(shapes) != 2
        or not all(isinstance(shape, (list, tuple)) for shape in shapes)
        or len(shapes[0]) != len(shapes[1])
        or len(shapes[0]) < 2
    ):
        raise ValueError(
            "`inputs` must be a list of two tensors of the same rank, at "
            f"least 2. Received: input_shape={shapes}"
        )
    return (
        shapes[0][0] if shapes[0][0] is not None else shapes[1][0],
        *(
            None if a is None or b is None else max(a, b)
            for a, b in zip(shapes[0][1:], shapes[1][1:], strict=True)
        ),
    )
