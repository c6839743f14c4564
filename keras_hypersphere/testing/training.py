"""Models with the subject inside: what is saved, fitted and compared."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.testing.gradients import array
from keras_hypersphere.testing.subject import BATCH, Subject

CHECK = "training"
RATE = 0.05
SPREAD = 0.1
TOLERANCE = 1e-5


class Training:
    """A model around a subject, with data for two steps of SGD.

    A dense layer stands before the subject, so that training must send a
    gradient through it.

    Args:
        subject: what is checked.
        loss: loss of the model's first output, None for a model that trains
            by its added losses alone, "any" for a mean squared error to
            random targets.
        label: name of the call argument that holds labels; it becomes an
            optional input, and the target where there is a `loss`.
        targets: array with a row per sample, the target if not the label.
    """

    def __init__(
        self,
        subject: Subject,
        loss: Any = "any",
        label: str | None = None,
        targets: np.ndarray | None = None,
    ) -> None:
        self.subject = subject
        self.label = label
        layer = subject.make()
        nodes, hidden, self.feeds = {}, [], {}
        rng = np.random.default_rng(1)
        for index, shape in enumerate(subject.shapes):
            name = f"input_{index}"
            nodes[name] = keras.Input(shape[1:], name=name)
            # Small and seeded: of samples far apart, no triplet has a loss.
            start = keras.initializers.RandomNormal(0.0, SPREAD, seed=index)
            before = keras.layers.Dense(
                shape[-1], kernel_initializer=start, name=f"before_{index}"
            )
            hidden.append(before(nodes[name]))
            full = (2 * BATCH, *shape[1:])
            self.feeds[name] = rng.normal(size=full).astype("float32")
        extra = {}
        for key, values in subject.arrays.items():
            optional = {"optional": True} if key == label else {}
            extra[key] = keras.Input(
                values.shape[1:], dtype=str(values.dtype), name=key, **optional
            )
            self.feeds[key] = repeated(values)
        nodes.update(extra)
        outputs = subject.call(layer, hidden, **extra)
        self.model = keras.Model(nodes, outputs)
        self.losses: Any = loss
        self.targets: list[np.ndarray] = []
        if loss == "any":
            self.losses = ["mse"] * len(outputs)
            self.targets = [
                rng.normal(size=(2 * BATCH, *y.shape[1:])).astype("float32")
                for y in outputs
            ]
        elif loss is not None:
            self.losses = [loss]
            self.targets = [repeated(subject.arrays.get(label, targets))]
        self.compile()
        self.start = self.model.get_weights()

    def compile(self, jit: bool | str = False) -> None:
        """A new optimizer."""
        self.model.compile(
            keras.optimizers.SGD(RATE), self.losses, jit_compile=jit
        )

    def fit(self, jit: bool) -> list[np.ndarray]:
        """Two steps from the same start; returns the weights."""
        self.model.set_weights(self.start)
        self.compile(jit)
        self.model.fit(
            self.feeds,
            self.targets or None,
            batch_size=BATCH,
            shuffle=False,
            verbose=0,
        )
        return self.model.get_weights()

    def outputs(self) -> list[np.ndarray]:
        """What the model says at the start, without labels."""
        self.model.set_weights(self.start)
        feeds = {k: ops.convert_to_tensor(v) for k, v in self.feeds.items()}
        if self.label:
            feeds[self.label] = None
        outputs = self.model(feeds, training=False)
        return [array(y) for y in keras.tree.flatten(outputs)]


def repeated(values: np.ndarray) -> np.ndarray:
    """Rows for two batches."""
    return values[np.resize(np.arange(len(values)), 2 * BATCH)]


def check_training(training: Training) -> list[np.ndarray]:
    """Fits two steps with and without compilation; returns the weights."""
    subject = training.subject
    plain = training.fit(jit=False)
    for weight in plain:
        subject.require(
            bool(np.isfinite(weight).all()),
            CHECK,
            "a weight is not finite after two steps of `fit`.",
        )
    moved = max(
        np.abs(a - b).max() for a, b in zip(plain, training.start, strict=True)
    )
    subject.require(
        bool(moved > 0), CHECK, "two steps of `fit` moved no weight."
    )
    if keras.backend.backend() in ("tensorflow", "jax"):
        compare(
            training, "jit_compile=True", training.fit(jit=True), plain, CHECK
        )
    return plain


def compare(
    training: Training,
    what: str,
    found: list[np.ndarray],
    wanted: list[np.ndarray],
    check: str,
) -> None:
    """Weights after training in two ways."""
    variables = training.model.variables[: len(wanted)]
    for variable, f, w in zip(variables, found, wanted, strict=True):
        training.subject.require_close(
            check,
            f"weight {variable.path!r} after two steps with {what}",
            np.asarray(f),
            np.asarray(w),
            TOLERANCE,
            # A weight whose gradient is zero moves by rounding only.
            floor=1e-2,
        )
