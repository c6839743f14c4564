"""Ctrl-C in a training: a checkpoint, and then the end."""

from collections.abc import Callable
from typing import Any

import keras

from keras_hypersphere.backend.processes import in_any_process
from keras_hypersphere.callbacks.exact_resume import ExactResume


class Interruption(keras.callbacks.Callback):
    """Saves where a training is, and ends it, when somebody asks.

    Put it behind `ExactResume`.

    Args:
        resume: What saves.
        check: Raises `KeyboardInterrupt` if somebody has asked.
    """

    def __init__(self, resume: ExactResume, check: Callable[[], None]) -> None:
        super().__init__()
        self.resume, self.check = resume, check
        self.epoch = 0

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # What is skipped, or ends an epoch, is saved already or will be.
        last = (self.params or {}).get("steps") == batch + 1
        if last or self.resume.skipping:
            return
        if self.asked():
            self.resume.save(self.epoch, batch + 1, logs)
            raise KeyboardInterrupt

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if self.asked():
            raise KeyboardInterrupt

    def asked(self) -> bool:
        """Whether somebody has asked this process, or another one."""
        try:
            self.check()
        except KeyboardInterrupt:
            return in_any_process(True)
        return in_any_process(False)
