"""Passes over the columns of a large matrix, a chunk of them at a time.

What is compiled loops, so that the memory of one chunk is that of the next,
and writes results in place. Elsewhere Python loops: PyTorch in place,
TensorFlow by joining the parts in the end.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_hypersphere.backend import compilation

Tensor = Any
# What a CPU keeps in its cache with a few hundred rows; there larger chunks
# are slower, as their logits go to memory and back for each operation.
CACHED = 4096
# (first column, number of columns, state) -> state
Body = Callable[[Any, int, Any], Any]


def over_chunks(body: Body, columns: int, chunk: int, state: Any) -> Any:
    """Calls `body(first, size, state)` for chunks that make up the columns.

    Chunks are as even as they can be, and on CPUs at most `CACHED`; `size` is
    a number of Python, `first` may be a tensor.
    """
    looped = compilation.steps_are_compiled()
    if (looped or keras.backend.backend() == "torch") and _on_cpu():
        chunk = min(chunk, CACHED)
    parts = -(-columns // chunk)
    size = -(-columns // parts)
    whole = columns // size
    if whole > 1 and looped:
        state = ops.fori_loop(
            0, whole, lambda i, state: body(i * size, size, state), state
        )
    else:
        for i in range(whole):
            state = body(i * size, size, state)
    rest = columns - whole * size
    return body(whole * size, rest, state) if rest else state


def _on_cpu() -> bool:
    """Whether there is no accelerator to compute on."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.default_backend() == "cpu"
    if backend == "tensorflow":
        import tensorflow as tf

        return not tf.config.list_physical_devices("GPU")
    import torch

    return not torch.cuda.is_available()


def part(matrix: Tensor, first: Any, size: int) -> Tensor:
    """(d, size) columns, as a view where the backend has views."""
    if keras.backend.backend() == "torch":
        return matrix[:, first : first + size]
    if size == matrix.shape[1]:
        return matrix
    return ops.slice(matrix, (0, first), (matrix.shape[0], size))


def empty_like(matrix: Tensor) -> Any:
    """What `written` fills, of the shape of a matrix."""
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        return torch.empty_like(matrix)
    if backend == "tensorflow" and not compilation.steps_are_compiled():
        return ()
    return ops.zeros(matrix.shape, matrix.dtype)


def written(buffer: Any, first: Any, columns: Tensor) -> Any:
    """The buffer with columns in their place."""
    if isinstance(buffer, tuple):
        return (*buffer, columns)
    if keras.backend.backend() == "torch":
        buffer[:, first : first + columns.shape[1]] = columns
        return buffer
    return ops.slice_update(buffer, (0, first), columns)


def filled(buffer: Any) -> Tensor:
    """The matrix, once all of its columns are written."""
    if isinstance(buffer, tuple):
        return ops.concatenate(buffer, axis=1)
    return buffer
