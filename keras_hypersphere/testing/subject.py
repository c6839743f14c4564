"""What is being checked: how to make it, and what to call it with."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import keras
import numpy as np
from keras import ops

from keras_hypersphere.testing.gradients import array

BATCH = 8


class Subject:
    """A layer under check.

    Args:
        factory: class, or function that makes a layer.
        init_kwargs: dict, what the factory is called with.
        input_shape: shape with its batch, or a list of shapes for a layer
            that takes a list; a batch of None is one of eight.
        call_kwargs: dict, further arguments of the call. Arrays with one
            row per sample become inputs of the models that are built.
    """

    def __init__(
        self,
        factory: Callable[..., Any],
        init_kwargs: dict[str, Any] | None,
        input_shape: Sequence[Any],
        call_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.factory = factory
        self.init_kwargs = dict(init_kwargs or {})
        self.name = getattr(factory, "__name__", repr(factory))
        self.many = isinstance(input_shape[0], (list, tuple))
        shapes = input_shape if self.many else [input_shape]
        self.batch = shapes[0][0] or BATCH
        self.shapes = [(self.batch, *shape[1:]) for shape in shapes]
        call_kwargs = dict(call_kwargs or {})
        self.arrays = {
            key: np.asarray(value)
            for key, value in call_kwargs.items()
            if hasattr(value, "shape")
        }
        self.settings = {
            key: value
            for key, value in call_kwargs.items()
            if key not in self.arrays
        }

    def make(self) -> keras.layers.Layer:
        """A new layer."""
        return self.factory(**self.init_kwargs)

    def inputs(self, dtype: str = "float32", seed: int = 0) -> list[Any]:
        """Gaussian inputs as tensors of a dtype."""
        rng = np.random.default_rng(seed)
        return [
            ops.convert_to_tensor(
                rng.normal(size=shape).astype("float32"), dtype=dtype
            )
            for shape in self.shapes
        ]

    def call(
        self, layer: keras.layers.Layer, inputs: Sequence[Any], **more: Any
    ) -> list[Any]:
        """Outputs, always as a flat list."""
        given = list(inputs) if self.many else inputs[0]
        kwargs = {**self.arrays, **self.settings, **more}
        return keras.tree.flatten(layer(given, **kwargs))

    def built(self) -> keras.layers.Layer:
        """A new layer that has seen its inputs."""
        layer = self.make()
        self.call(layer, self.inputs(layer.compute_dtype))
        return layer

    def fail(self, check: str, message: str) -> NoReturn:
        """Raises the one kind of error that checks raise."""
        raise AssertionError(f"{self.name}, check of {check}: {message}")

    def require(self, holds: bool, check: str, message: str) -> None:
        """Fails unless `holds`."""
        if not holds:
            self.fail(check, message)

    def require_close(
        self,
        check: str,
        what: str,
        found: Any,
        wanted: Any,
        tolerance: float,
        floor: float = 1e-30,
    ) -> None:
        """Fails where |found - wanted| > tolerance * max(|wanted|, floor)."""
        found, wanted = (
            (x if isinstance(x, np.ndarray) else array(x)).astype("float64")
            for x in (found, wanted)
        )
        self.require(
            found.shape == wanted.shape,
            check,
            f"{what} has shape {found.shape}, expected {wanted.shape}.",
        )
        if not wanted.size:
            return
        self.require(
            bool(np.isfinite(found).all()), check, f"{what} is not finite."
        )
        error = np.abs(found - wanted).max()
        bound = tolerance * max(np.abs(wanted).max(), floor)
        self.require(
            bool(error <= bound),
            check,
            f"{what} is off by {error:.3g}, allowed is {bound:.3g}.",
        )
