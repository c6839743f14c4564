"""The epoch of `fit`, told to batches that depend on it."""

import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import keras


class FollowEpochs(keras.callbacks.Callback):
    """Sends batches where `fit` is, also where it resumes.

    Keras tells callbacks its epoch, but no data set.

    Args:
        go_to: function of a step, counted from the first of epoch 0.
        count: int, batches of an epoch.
        leave: function that is called where a training ends. Batches that
            have it are told each epoch; others, which may be made across
            epochs, the first of a training.
    """

    def __init__(
        self,
        go_to: Callable[[int], None],
        count: int,
        leave: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.go_to, self.count, self.leave = go_to, count, leave
        self.begun = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.begun = False

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # Fewer where `fit` has `steps_per_epoch`.
        steps = (self.params or {}).get("steps") or self.count
        if self.leave:
            # Keras makes no more than there are.
            steps = min(steps, self.count)
        if not self.begun or (self.leave and steps == self.count):
            self.go_to(epoch * steps)
        self.begun = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.leave:
            self.leave()


def warn_of_restart(what: str) -> None:
    """Warns if `fit` resumes, for batches at their very first step.

    Only `fit` knows, so its local names are read: `epoch` and
    `initial_epoch` of Keras 3.12.0 and 3.15.1, on each backend. Where they are
    not found, nothing is said; `FollowEpochs` needs none of this.
    """
    frames = sys._current_frames()
    # tf.data asks for its batches in threads of its own.
    for thread in (threading.get_ident(), threading.main_thread().ident):
        frame = frames.get(thread or 0)
        while frame is not None:
            if _is_keras(frame, "evaluate", "predict"):
                # Validation, and what callbacks measure, may begin anywhere.
                return
            if _is_keras(frame, "fit"):
                names = frame.f_locals
                epoch = names.get("epoch")
                if epoch and epoch == names.get("initial_epoch"):
                    warnings.warn(
                        f"`fit` goes on at epoch {epoch}, counted from 0, and "
                        f"the batches of {what} begin again at epoch 0. Add "
                        "`.follow()` of the batches to the callbacks of `fit`.",
                        stacklevel=2,
                    )
                return
            frame = frame.f_back


def _is_keras(frame: Any, *functions: str) -> bool:
    module = frame.f_globals.get("__name__", "")
    return frame.f_code.co_name in functions and module.startswith("keras.")
