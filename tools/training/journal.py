"""What a training was like: a row an epoch, in several forms."""

import importlib.util
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.backend.processes import is_first_process
from keras_hypersphere.callbacks.exact_resume import ExactResume
from keras_hypersphere.tools.training.log import EPOCH, write_row
from keras_hypersphere.tools.training.page import write_page

# Seconds between two pages: drawing one takes one.
PAGE_EVERY = 10.0
EVENTS = "tensorboard"


class Journal(keras.callbacks.Callback):
    """Writes log.csv, events for TensorBoard, and the page of a run.

    The logs of an epoch get `learning_rate`, that of the next step, and
    `photos_per_second` and `seconds` of its training, without what other
    callbacks take at its end. All logs become a row of log.csv, which counts
    epochs from 1 and is replaced as a whole. A run that was killed and goes
    on replaces the rows of the epochs that it repeats. A `MarginModel` is
    told to watch its embeddings, so that norms, angles and the loss without
    a margin are logged.

    Put it behind the callbacks whose logs it shall write, and before
    `ExactResume`: an epoch has its row before it is a checkpoint.

    Of several processes the first one writes.

    Events are written by `keras.callbacks.TensorBoard`, which needs the
    package tensorboard; without it there are none, and `notes` says so.

    Args:
        run: The folder; made if it is not there.
        recipe: The recipe, for the page.
        photos_per_epoch: Photos in a whole epoch.
        resume: What restores the training. The batches of an epoch that it
            skips count neither as photos nor as seconds. Default: None.
    """

    def __init__(
        self,
        run: "str | os.PathLike",
        recipe: Mapping[str, Any] | None = None,
        photos_per_epoch: int = 0,
        resume: ExactResume | None = None,
    ) -> None:
        super().__init__()
        self.run = Path(run)
        self.run.mkdir(parents=True, exist_ok=True)
        self.recipe = dict(recipe or {})
        self.photos_per_epoch = photos_per_epoch
        self.resume = resume
        self.started: float | None = None
        self.first_batch = 0
        self.last_batch = 0
        self.ended = 0.0
        self.drawn = -PAGE_EVERY
        self.notes: list[str] = []
        self.events: keras.callbacks.TensorBoard | None = None
        self.writes = is_first_process()
        if not self.writes:
            return
        if importlib.util.find_spec("tensorboard") is None:
            self.notes.append(
                "no events for TensorBoard: pip install tensorboard"
            )
        else:
            self.events = keras.callbacks.TensorBoard(
                self.run / EVENTS, write_graph=False
            )

    def set_params(self, params: Any) -> None:
        super().set_params(params)
        if self.events:
            self.events.set_params(params)

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        if hasattr(model, "watch_embeddings"):
            model.watch_embeddings(True)
        if self.events:
            self.events.set_model(model)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.events:
            self.events.on_train_begin(logs)

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.started = None
        if self.events:
            self.events.on_epoch_begin(epoch, logs)

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        skipping = self.resume is not None and self.resume.skipping
        if self.started is None and not skipping:
            self.started, self.first_batch = time.perf_counter(), batch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # Before other callbacks measure at the end of the epoch.
        self.last_batch, self.ended = batch, time.perf_counter()

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        logs = {} if logs is None else logs
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        rate = keras.ops.convert_to_numpy(optimizer.learning_rate)
        logs["learning_rate"] = float(rate)
        logs.update(self.speed())
        if not self.writes:
            return
        row = {name: float(np.asarray(value)) for name, value in logs.items()}
        write_row(self.run, {EPOCH: epoch + 1, **row})
        if self.events:
            self.events.on_epoch_end(epoch, logs)
        if time.monotonic() >= self.drawn + PAGE_EVERY:
            write_page(self.run)
            self.drawn = time.monotonic()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.events:
            self.events.on_train_end(logs)
        if self.writes:
            write_page(self.run)

    def speed(self) -> dict[str, float]:
        """Seconds of the epoch's training, and photos in each."""
        if self.started is None:
            return {}
        seconds = self.ended - self.started
        batches = self.last_batch + 1 - self.first_batch
        whole = (self.params or {}).get("steps") or self.last_batch + 1
        photos = self.photos_per_epoch * batches / whole
        return {"photos_per_second": photos / seconds, "seconds": seconds}
