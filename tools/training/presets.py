"""The best and the last model of a run, ready to be used."""

import dataclasses
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.backend.processes import is_first_process
from keras_hypersphere.tools.training.averages import averaged_weights
from keras_hypersphere.tools.training.devices import one_device
from keras_hypersphere.tools.training.float32_copy import float32_copy
from keras_hypersphere.tools.training.validation import Validation
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.loading.card_check import check_model
from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.loading.preset import CARD_FILE, save_preset
from keras_hypersphere.zoo.runtimes import make_runtime
from keras_hypersphere.zoo.runtimes.preprocessing import embed_crops

BEST, LAST = "best", "last"
COMMAND = "keras-hypersphere train"
MODELS = "epoch-*.keras"
# What a card must have, where training has nothing to say.
NOT_KNOWN: dict[str, Any] = {
    "description": "",
    "architecture": "Model",
    "arguments": {},
    "source": "",
    "source_url": "",
    "source_package": "",
    "source_file": "",
    "source_bytes": 0,
    "source_sha256": "",
    "weights_file": "model.keras",
    "weights_url": "",
    "weights_bytes": 0,
    "weights_sha256": "",
    "weights_dtype": "float32",
    "weights_command": COMMAND,
    "licence": "that of whoever trained it",
    "licence_url": "",
    "training_data": "",
    "channels": "RGB",
    "template": "arcface",
    "flip": "none",
    "distance": "cosine",
    "threshold": 0.0,
    "published": (),
    "measured": (),
    "storage_effect": "none: float32",
    "golden_seed": 112,
    "golden_output": (),
    "notes": "",
}


class Presets(keras.callbacks.Callback):
    """Writes RUN/last after each epoch, and RUN/best after the best ones.

    Both are presets: `FaceEmbedder.from_preset(RUN/best)` and every
    subcommand with `--model RUN/best` take them. The card has the threshold
    and the rates that the validation found. Without one there is none, which
    the card says, and the best model is the last. A training with EMA saves
    the averaged weights; one in mixed precision a network in float32.

    Of several processes the first one writes. Whoever kills it finds both
    presets whole: the new model is written under a name of its own, and the
    card that names it is replaced as one file. Give this object to
    `ExactResume(also=…)`, so that a training that goes on knows its best
    epoch.

    Args:
        run: The folder of the run; made if it is not there.
        backbone: Inputs to embeddings.
        card: Fields of the card: `name`, `mean`, `scale`, `channels`,
            `template`, `training_data`, `classes` … What the network says
            itself (`input_shape`, `dim`, `feature_layer`, `parameters`) may
            be left out.
        validation: Stands before this in `callbacks`. Default: None.
        monitor: What is best, in the logs. Default: `"val_auc"`.
        mode: `"max"` or `"min"`.
        command: What made it, for the card.

    Raises:
        ValueError: If a field of the card is impossible, or the network
            does not fit it.
    """

    def __init__(
        self,
        run: "str | os.PathLike",
        backbone: keras.Model,
        card: Mapping[str, Any],
        validation: Validation | None = None,
        monitor: str = "val_auc",
        mode: str = "max",
        command: str = COMMAND,
    ) -> None:
        super().__init__()
        if mode not in ("max", "min"):
            raise ValueError(
                f"`mode` must be 'max' or 'min'. Received: mode={mode!r}"
            )
        self.run = Path(run)
        self.run.mkdir(parents=True, exist_ok=True)
        self.backbone = backbone
        self.filled = card_of(backbone, card)
        check_model(backbone, self.filled)
        self.validation = validation
        self.monitor, self.mode = monitor, mode
        self.command = command
        # Kept by `ExactResume(also=…)`.
        self.best_value: float | None = None
        self.best_epoch: int | None = None

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        value = (logs or {}).get(self.monitor)
        value = None if value is None else float(np.asarray(value))
        with averaged_weights(self.model), one_device():
            if is_first_process():
                self.save(LAST, epoch)
        if self.validation is None or self.is_best(value):
            self.best_value, self.best_epoch = value, epoch + 1
            if is_first_process():
                copy_preset(self.run / LAST, self.run / BEST)

    def is_best(self, value: float | None) -> bool:
        """Whether the epoch is better than those before."""
        if value is None or math.isnan(value):
            return False
        if self.best_value is None:
            return True
        if self.mode == "max":
            return value > self.best_value
        return value < self.best_value

    def save(self, name: str, epoch: int) -> Card:
        """Writes the model as it is."""
        model = float32_copy(self.backbone)
        card = dataclasses.replace(self.filled, **self.found(epoch))
        engine = make_runtime("keras", Network(card, model)).start()
        golden = embed_crops(golden_crop(card)[None], engine, card)[0]
        folder = self.run / name
        file = free_name(folder, epoch + 1)
        card = save_preset(model, card, golden, folder, file, self.command)
        remove_others(folder, file)
        return card

    def found(self, epoch: int) -> dict[str, Any]:
        """What the validation says, as fields of the card."""
        epochs = (self.params or {}).get("epochs")
        notes = f"Epoch {epoch + 1}" + (f" of {epochs}." if epochs else ".")
        given = f" {self.filled.notes}" if self.filled.notes else ""
        validation = self.validation
        if validation is None:
            return {
                "threshold": 0.0,
                "notes": f"{notes} Trained without a validation: the "
                "threshold is not known, and the best model is the last. "
                "Measure it: keras-hypersphere evaluate pairs --model …"
                f"{given}",
            }
        report, faces = validation.report, validation.faces
        if report is None or not validation.threshold > 0:
            return {
                "threshold": 0.0,
                "notes": f"{notes} The validation found no threshold.{given}",
            }
        tar = "; ".join(
            f"TAR {report.tar_at(far):.2%} at FAR {far:g}"
            for far in validation.far.values()
        )
        same = int(faces.same.sum())
        return {
            "threshold": validation.threshold,
            "rates": validation.rates(),
            "notes": f"{notes} Validation on {faces.name}, {same:,} pairs of "
            f"one person and {len(faces.same) - same:,} of two: AUC "
            f"{report.auc:.5f}, accuracy {validation.accuracy:.2%}; {tar}. The "
            "threshold is the best on these pairs, and the rates are theirs."
            f"{given}",
        }


def card_of(backbone: keras.Model, fields: Mapping[str, Any]) -> Card:
    """A card without weights: what is given, and what the network says."""
    size = tuple(backbone.input_shape[1:])
    channels = size[-1]
    found = {
        **NOT_KNOWN,
        "name": "trained",
        "parameters": backbone.count_params(),
        "input_shape": size,
        "mean": (127.5,) * channels,
        "scale": 1 / 128,
        "feature_layer": backbone.layers[-1].name,
        "dim": int(backbone.output_shape[-1]),
        **fields,
    }
    mean = np.ravel(found["mean"]).tolist()
    found["mean"] = tuple(mean * channels if len(mean) == 1 else mean)
    found["scale"] = float(found["scale"])
    # What was known of other weights says nothing of these.
    for name in ("threshold", "rates", "published", "golden_output"):
        found.pop(name, None)
    found |= {n: NOT_KNOWN[n] for n in NOT_KNOWN if n not in found}
    return Card(**found)


def free_name(folder: Path, epoch: int) -> str:
    """A name for a model that no card in the folder refers to."""
    name = f"epoch-{epoch:04d}.keras"
    if (folder / name).exists():
        return f"epoch-{epoch:04d}-again.keras"
    return name


def remove_others(folder: Path, file: str) -> None:
    """Removes the models of earlier epochs, and what a kill left."""
    for path in (*folder.glob(MODELS), *folder.glob(f"part-{MODELS}")):
        if path.name != file:
            path.unlink(missing_ok=True)


def copy_preset(source: Path, target: Path) -> None:
    """Makes one preset another, without a moment in which it is none."""
    target.mkdir(parents=True, exist_ok=True)
    card = Card.load(source / CARD_FILE)
    epoch = int(card.weights_file.split("-")[1].split(".")[0])
    file = free_name(target, epoch)
    part = target / f"part-{file}"
    part.unlink(missing_ok=True)
    try:
        # Neither is ever written in place: a second name is enough.
        os.link(source / card.weights_file, part)
    except OSError:
        shutil.copyfile(source / card.weights_file, part)
    os.replace(part, target / file)
    dataclasses.replace(card, weights_file=file).save(target / CARD_FILE)
    remove_others(target, file)
