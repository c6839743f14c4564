"""A training with all that it leaves, for tests and as a program.

    python run_of_patches.py RUN EPOCHS [KILLED_AT_CALL NAME]

The program kills itself at a call of `os.NAME`.
"""

import os
import signal
import sys

import keras
import numpy as np

import keras_hypersphere as kh
from keras_hypersphere.tools.training.divergence import StopOnDivergence
from keras_hypersphere.tools.training.journal import Journal
from keras_hypersphere.tools.training.presets import Presets
from keras_hypersphere.tools.training.validation import (
    Validation,
    split_people,
    validation_set,
)
from tests.tools.training.patches import CARD, SIZE, Patches, make_model


class Batches(keras.utils.PyDataset):
    """Six batches of six, in the order of the photos."""

    def __init__(self, source, indices):
        super().__init__()
        pixels = np.stack([source.pixels[i] for i in indices])
        self.x = (pixels.astype("float32") - 127.5) / 128
        labels = source.labels[indices]
        self.y = np.unique(labels, return_inverse=True)[1].astype("int32")
        order = np.random.default_rng(0).permutation(len(self.y))
        self.x, self.y = self.x[order], self.y[order]

    def __len__(self):
        return len(self.y) // 6

    def __getitem__(self, index):
        part = slice(6 * index, 6 * index + 6)
        return self.x[part], self.y[part]


def train(run, epochs, validate=True, save_freq="epoch", **options):
    """Trains, and returns the callbacks by their names."""
    source = Patches()
    training, held_out = split_people(source, 0.25)
    batches = Batches(source, training)
    model = make_model(**options)
    made = {"stop": StopOnDivergence(run), "validation": None}
    if validate:
        faces = validation_set("people", source, held_out, SIZE)
        made["validation"] = Validation(faces, model.backbone)
    made["journal"] = Journal(run, {}, len(training))
    made["presets"] = Presets(run, model.backbone, CARD, made["validation"])
    made["resume"] = kh.callbacks.ExactResume(
        f"{run}/checkpoints",
        save_freq,
        also=[made["presets"], made["stop"]],
    )
    made["journal"].resume = made["resume"]
    callbacks = [callback for callback in made.values() if callback]
    model.fit(
        batches, epochs=epochs, shuffle=False, verbose=0, callbacks=callbacks
    )
    return {**made, "model": model, "batches": batches}


def kill_at(call, name):
    """Lets a function of `os` kill the process at one of its calls."""
    own, left = getattr(os, name), call

    def counted(*arguments, **options):
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return own(*arguments, **options)

    setattr(os, name, counted)


def main():
    run, epochs, *killed = sys.argv[1:]
    if killed:
        kill_at(int(killed[0]), killed[1])
    train(run, int(epochs), save_freq=2, use_ema=True, ema_momentum=0.7)


if __name__ == "__main__":
    main()
