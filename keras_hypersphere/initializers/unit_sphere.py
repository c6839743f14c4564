"""Random directions for class weights."""

import math
from typing import Any

import keras

from keras_hypersphere.ops import sphere

# Numbers that are drawn at once.
LARGEST_DRAW = 2**25


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class UnitSphere(keras.initializers.Initializer):
    """Draws vectors uniformly from the unit sphere.

    `w = g / sqrt(|g|^2 + 1e-12)`, `g` standard normal, along `axis`.

    The layers of this library accept its name, `"unit_sphere"`.

    Args:
        axis: int, the axis along which vectors lie. Defaults to `0`: the
            columns of a `(d, units)` kernel.
        seed: int, `keras.random.SeedGenerator` or None.

    dtype: drawn and normalized in float32, then cast. A matrix of more than
    2^25 numbers is drawn in parts, which take twice its memory, not four times.

    Raises:
        ValueError: If `axis` is not an integer.

    Example:

    >>> initializer = kh.initializers.UnitSphere(seed=0)
    >>> w = initializer((3, 10))
    >>> keras.ops.shape(w)
    (3, 10)

    Reference:
        The `gaussian_unitball` filler of NormFace's Caffe (2017),
        https://github.com/happynear/caffe-windows/tree/ms; there vectors
        are the rows of a `(units, d)` blob.
    """

    def __init__(
        self,
        axis: int = 0,
        seed: "int | keras.random.SeedGenerator | None" = None,
    ) -> None:
        if not isinstance(axis, int) or isinstance(axis, bool):
            raise ValueError(
                "`axis` must be an integer. "
                f"Received: axis={axis!r}; pass 0 for a (d, units) kernel."
            )
        self.axis = axis
        self._gaussian = keras.initializers.RandomNormal(
            mean=0.0, stddev=1.0, seed=seed
        )

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        dtype = keras.backend.standardize_dtype(dtype)
        if len(shape) == 2 and math.prod(shape) > LARGEST_DRAW:
            return self._in_parts(shape, dtype)
        return self._directions(shape, dtype, self._gaussian.seed)

    def _in_parts(self, shape: tuple[int, ...], dtype: str) -> Any:
        """The vectors of a matrix, some at a time.

        A draw takes four times the memory of its result.
        """
        seed = self._gaussian.seed
        if not isinstance(seed, keras.random.SeedGenerator):
            # A number would draw the same vectors for each part.
            seed = keras.random.SeedGenerator(seed)
        across = 1 - self.axis % 2
        step = max(LARGEST_DRAW // shape[1 - across], 1)
        parts = []
        for first in range(0, shape[across], step):
            size = list(shape)
            size[across] = min(step, shape[across] - first)
            parts.append(self._directions(tuple(size), dtype, seed))
        return keras.ops.concatenate(parts, axis=across)

    def _directions(self, shape: tuple[int, ...], dtype: str, seed: Any) -> Any:
        wide = "float64" if dtype == "float64" else "float32"
        draw = keras.random.normal(shape, dtype=wide, seed=seed)
        unit, _ = sphere.normalize(draw, axis=self.axis, epsilon=1e-12)
        return keras.ops.cast(unit, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis, "seed": self._gaussian.get_config()["seed"]}
