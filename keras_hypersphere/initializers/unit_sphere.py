"""Random directions for class weights."""

from typing import Any

import keras

from keras_hypersphere.ops import sphere


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class UnitSphere(keras.initializers.Initializer):
    """Draws vectors uniformly from the unit sphere.

    `w = g / sqrt(|g|^2 + 1e-12)`, `g` standard normal, along `axis`.

    The layers of this library accept its name, `"unit_sphere"`.

    Args:
        axis: int, the axis along which vectors lie. Defaults to `0`: the
            columns of a `(d, units)` kernel.
        seed: int, `keras.random.SeedGenerator` or None.

    dtype: drawn and normalized in float32, then cast.

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
        wide = "float64" if dtype == "float64" else "float32"
        draw = self._gaussian(shape, dtype=wide)
        unit, _ = sphere.normalize(draw, axis=self.axis, epsilon=1e-12)
        return keras.ops.cast(unit, dtype)

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis, "seed": self._gaussian.get_config()["seed"]}
