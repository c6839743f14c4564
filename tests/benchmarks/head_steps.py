"""One training step of a head, compiled by the backend that runs.

A step takes nothing and returns when value and gradients, to features and
weights, are there. Used by `heads.py`.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], Any]

DENSE = "Dense"
PRODUCTS = "three products"
NUMPY = "three products, NumPy"
HEADS = {
    "AMSoftmax": {},
    "ArcFace": {},
    "ASoftmax": {},
    "LSoftmax": {},
    "CosineDense": {"scale": 30.0},
    "ChunkedClasses": {},
    "SampledClasses": {},
    "AgentContrastive": {},
    "AgentTriplet": {},
}
# How each backend can run a step.
MODES = {"tensorflow": ("XLA", "graph"), "jax": ("jit",), "torch": ("eager",)}


class Problem:
    """Features and labels of one batch."""

    def __init__(self, classes: int, features: int, batch: int) -> None:
        draw = np.random.default_rng(0)
        self.classes, self.features = classes, features
        self.x = draw.standard_normal((batch, features)).astype("float32")
        self.labels = draw.integers(0, classes, batch).astype("int32")
        # Some gradient of the logits, and weights, for the bare products.
        self.upstream = (batch, classes)
        self.weights = (features, classes)


def numpy_products(problem: Problem) -> Step:
    """Logits and both gradients by OpenBLAS."""
    x = problem.x
    w, g = (_draw(shape) for shape in (problem.weights, problem.upstream))
    return lambda: (x @ w, g @ w.T, x.T @ g)


def products(problem: Problem, mode: str) -> Step:
    """Logits and both gradients by the backend."""
    shapes = problem.x.shape, problem.weights, problem.upstream
    x, w, g = (_tensor(_draw(shape)) for shape in shapes)

    def compute(x: Any, w: Any, g: Any) -> tuple:
        from keras import ops

        return (
            ops.matmul(x, w),
            ops.matmul(g, ops.transpose(w)),
            ops.matmul(ops.transpose(x), g),
        )

    if mode in ("XLA", "graph"):
        import tensorflow as tf

        compiled = tf.function(compute, jit_compile=mode == "XLA")
        return lambda: _done(compiled(x, w, g))
    if mode == "jit":
        import jax

        compiled = jax.jit(compute)
        return lambda: _done(compiled(x, w, g))
    import torch

    def eager() -> tuple:
        with torch.no_grad():
            return compute(x, w, g)

    return eager


def head_step(name: str, problem: Problem, mode: str) -> Step:
    """Value and gradients of a head with its loss, or of plain Dense."""
    import keras

    import keras_hypersphere as kh

    if name == DENSE:
        head = keras.layers.Dense(problem.classes, use_bias=False)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        head.build(problem.x.shape)
        return _compiled(head, loss, problem, mode, labeled=False)
    cls = getattr(kh.layers, name)
    if issubclass(cls, kh.layers.ChunkedClasses):
        head = cls(kh.layers.ArcFace(problem.classes), **HEADS[name])
    else:
        head = cls(problem.classes, **HEADS[name])
    head.build(problem.x.shape)
    loss = kh.losses.SoftmaxCrossEntropy()
    labeled = name != "CosineDense"
    if getattr(head, "trains_itself", False):
        loss = None
    return _compiled(head, loss, problem, mode, labeled)


def _compiled(
    head: Any, loss: Any, problem: Problem, mode: str, labeled: bool
) -> Step:
    x, labels = _tensor(problem.x), _tensor(problem.labels)
    keywords = {"labels": labels, "training": True} if labeled else {}
    if mode in ("XLA", "graph"):
        import tensorflow as tf

        @tf.function(jit_compile=mode == "XLA")
        def step(x: Any, labels: Any) -> tuple:
            if labeled:
                keywords["labels"] = labels
            with tf.GradientTape() as tape:
                tape.watch(x)
                outputs = head(x, **keywords)
                value = loss(labels, outputs) if loss else head.losses[0]
            weights = [v.value for v in head.trainable_variables]
            return value, tape.gradient(value, [x, *weights])

        return lambda: _done(step(x, labels))
    if mode == "jit":
        import jax

        state = [v.value for v in head.non_trainable_variables]
        weights = [v.value for v in head.trainable_variables]

        def scalar(weights: Any, x: Any, labels: Any) -> Any:
            if labeled:
                keywords["labels"] = labels
            outputs, state_after, losses = head.stateless_call(
                weights, state, x, return_losses=True, **keywords
            )
            return loss(labels, outputs) if loss else losses[0], state_after

        step = jax.jit(jax.value_and_grad(scalar, (0, 1), has_aux=True))
        return lambda: _done(step(weights, x, labels))
    import torch

    x.requires_grad_()
    weights = [v.value for v in head.trainable_variables]

    def eager() -> Any:
        outputs = head(x, **keywords)
        value = loss(labels, outputs) if loss else head.losses[0]
        return value, torch.autograd.grad(value, [x, *weights])

    return eager


def _draw(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape, "float32")


def _tensor(array: np.ndarray) -> Any:
    from keras import ops

    return ops.convert_to_tensor(array)


def _done(results: Any) -> Any:
    """Waits: JAX returns before it has computed."""
    if os.environ["KERAS_BACKEND"] == "jax":
        import jax

        jax.block_until_ready(results)
    return results
