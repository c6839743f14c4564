"""Stops a training that has diverged, before its state is saved."""

import math
import os
from collections import deque
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.callbacks.exact_resume import FILE, finite

# Batches whose mean loss is looked at.
WINDOW = 20


class Diverged(ValueError):
    """A training that has diverged. Its message is one line.

    Args:
        said: The message.
        step: The step of the training, counted from 1, at which it was seen.
    """

    def __init__(self, said: str, step: int) -> None:
        super().__init__(said)
        self.step = step


class StopOnDivergence(keras.callbacks.Callback):
    """Raises `Diverged` when the loss or the weights show divergence.

    That is a loss that is NaN or infinite, weights that are so at the end of
    an epoch, or a mean loss of 20 batches above `factor` times that of the
    first 20 batches and of guessing (`log(classes)`, at least 1). A loss of
    normalized embeddings has a bound below that; it turns NaN or collapses,
    which `MarginMonitor` warns of.

    Put it first: an exception leaves `fit` at once, so that no other
    callback writes or saves what has diverged, and the checkpoint before
    stays. In `fit`, catch `Diverged`, or let it end the program.

    Args:
        run: The folder of the run, for the message; its checkpoints are in
            `checkpoints`.
        factor: float above 1. Default: 10.

    Attributes:
        stopped_at: None, or the step.
        reason: None, or the message.
    """

    def __init__(
        self, run: "str | os.PathLike | None" = None, factor: float = 10.0
    ) -> None:
        super().__init__()
        if not factor > 1:
            raise ValueError(
                f"`factor` must be above 1. Received: factor={factor!r}"
            )
        self.run = None if run is None else Path(run)
        self.factor = factor
        self.epoch = 0
        self.stopped_at: int | None = None
        self.reason: str | None = None
        # Kept by `ExactResume(also=…)`: the first losses of the training.
        self.first_losses: list[float] = []
        self.recent: deque[float] = deque(maxlen=WINDOW)
        self.total, self.counted = 0.0, 0

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.epoch = epoch
        self.total, self.counted = 0.0, 0

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        mean = float(np.asarray((logs or {}).get("loss", 0.0)))
        if not math.isfinite(mean):
            # What is logged is the mean of the epoch so far.
            self.stop(batch, f"the loss is {mean}")
        total = mean * (batch + 1)
        loss = (total - self.total) / (batch + 1 - self.counted)
        self.total, self.counted = total, batch + 1
        if len(self.first_losses) < WINDOW:
            self.first_losses.append(loss)
        self.recent.append(loss)
        if len(self.recent) < WINDOW:
            return
        usual = max(float(np.mean(self.first_losses)), self.guessing())
        now = float(np.mean(self.recent))
        if now > self.factor * usual:
            self.stop(
                batch,
                f"the mean loss of {WINDOW} batches is {now:.4g}, "
                f"{now / usual:.0f} times what it may begin with",
            )

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        model = self.model
        if not finite(model.trainable_variables):
            self.stop(self.counted - 1, "weights are NaN or infinite")

    def guessing(self) -> float:
        """The softmax loss of a model that knows nothing."""
        classes = getattr(self.model, "units", None) or 1
        return max(1.0, math.log(classes))

    def stop(self, batch: int, why: str) -> None:
        """Leaves `fit`."""
        model = self.model
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        steps = (self.params or {}).get("steps")
        step = (steps or 0) * self.epoch + batch + 1
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        self.stopped_at = step
        self.reason = (
            f"Training diverged at step {step} (epoch {self.epoch + 1}, batch "
            f"{batch + 1}): {why}, with a learning rate of {rate:.3g}. "
            f"{self.kept()}Train again with a learning rate of "
            f"{rate / 10:.2g}, a longer warm-up, or clipped gradients."
        )
        raise Diverged(self.reason, step)

    def kept(self) -> str:
        """What is left, in words."""
        if self.run is None:
            return ""
        path = self.run / "checkpoints" / FILE
        if not path.is_file():
            return "There was no checkpoint yet. "
        return f"The last good checkpoint is kept in '{path.parent}'. "
