"""How a training goes, on stderr."""

import sys
from typing import Any

import keras

from keras_hypersphere.tools.progress import Progress

# What a line has, where it is in the logs, and as what.
SHOWN = (
    ("loss", "loss {:.4g}"),
    ("accuracy", "accuracy {:.3f}"),
    ("annealing", "λ {:.4g}"),
    ("val_auc", "validation AUC {:.4f}"),
    ("val_tar_at_far_0.01", "TAR at FAR 1 % {:.3f}"),
    ("learning_rate", "learning rate {:.3g}"),
    ("photos_per_second", "{:.3g} photos a second"),
)


class Narration(keras.callbacks.Callback):
    """Says how far an epoch is, and what came of it.

    Args:
        epochs: How many there are.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.progress: Progress | None = None

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        steps = (self.params or {}).get("steps") or 0
        noun = f"batches of epoch {epoch + 1}/{self.epochs}"
        self.progress = Progress(steps, noun)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # The line of the epoch says the rest.
        if self.progress is not None and batch + 1 < self.progress.total:
            self.progress.update(batch + 1)

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        found = [
            text.format(float((logs or {})[name]))
            for name, text in SHOWN
            if name in (logs or {})
        ]
        back = "\r\033[K" if sys.stderr.isatty() else ""
        print(
            f"{back}epoch {epoch + 1}/{self.epochs}: {', '.join(found)}",
            file=sys.stderr,
            flush=True,
        )
