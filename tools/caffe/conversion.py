"""A network's files → a `.keras` file: converted, verified, described."""

import contextlib
import errno
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_hypersphere.caffe_format.source_file import SourceFile
from keras_hypersphere.tools.caffe import inspect
from keras_hypersphere.tools.caffe.archive import foreign_modules
from keras_hypersphere.tools.caffe.building.weights import (
    OtherNamesWarning,
    OtherNetworkError,
)
from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork
from keras_hypersphere.tools.caffe.cards import zoo_entry
from keras_hypersphere.tools.caffe.cards.card import write_card
from keras_hypersphere.tools.caffe.verification.feed import (
    in_models_order,
    read_inputs,
)
from keras_hypersphere.tools.caffe.verification.report import Verification
from keras_hypersphere.zoo.cards.card import Card

# How the folder begins in which a file is written before it is complete.
HIDDEN = ".convert-"
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)


@dataclass(frozen=True)
class Wishes:
    """What is to be done with a network.

    Attributes:
        output: The `.keras` file to write, or None.
        card: Name of the zoo's card that is to be finished, or None.
        verify: Whether every blob is compared before anything is kept.
        inputs: The file to verify on: .npy or .npz. Default: noise.
        inspect: Whether layers are listed, and drawn next to `output`.
        preprocessing: Whether the model begins with the data layer's steps.
        force: Whether to keep a model that is not verified, and to leave out
            weights of another network.
    """

    output: Path | None = None
    card: str | None = None
    verify: bool = False
    inputs: str | None = None
    inspect: bool = False
    preprocessing: bool = False
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of it.

    Attributes:
        kept: Whether the model is kept; one that is not verified is not.
        card: What describes the model.
        report: What `verify` said, or None.
        sha256: Of the file, or None if none was written.
        modules: What must be imported before Keras can load the file.
        layers: A list of Caffe's layers, if it was asked for.
        picture: What became of the drawing, in one line.
        entry: The finished card of the zoo, or None.
    """

    kept: bool
    card: dict[str, Any]
    report: Verification | None = None
    sha256: str | None = None
    modules: tuple[str, ...] = ()
    layers: list[dict[str, Any]] | None = None
    picture: str = ""
    entry: Card | None = None


def convert_files(network: CaffeNetwork, wishes: Wishes) -> Outcome:
    """Converts a network, and does with it what is wished.

    The model that is verified is the one that was saved, loaded again.
    """
    check_output(wishes.output)
    inputs = None if wishes.inputs is None else read_inputs(wishes.inputs)
    wanted = backbone = None
    if wishes.card is not None:
        wanted = zoo_entry.wanted_card(wishes.card)
        # The embedding, and what it is made of, is what is verified.
        blob = zoo_entry.feature_blob(wanted, network)
        backbone = zoo_entry.load_backbone(wanted, network.caffemodel)
        network = network.changed(outputs=[blob])
    network, model = convert(network, wishes)
    layers = inspect.layers(model) if wishes.inspect else None
    verifies = wishes.verify or wanted is not None
    if not (verifies or wishes.output):
        return Outcome(True, network.card(), layers=layers)
    with folder_beside(wishes.output) as folder:
        saved = folder / (wishes.output or Path("model.keras")).name
        model.save(saved)
        report = None
        if verifies:
            with warnings.catch_warnings():
                # The conversion has said it already.
                warnings.simplefilter("ignore", UserWarning)
                given = in_models_order(network.graph, inputs)
                report = network.verify(saved, given)
        kept = report is None or report.passed or wishes.force
        card = network.card(saved, report)
        write_card(saved, card, report)
        entry = None
        if kept and wanted is not None:
            entry = zoo_entry.write_entry(wanted, backbone, model, network)
        if not kept or wishes.output is None:
            return Outcome(kept, card, report, layers=layers, entry=entry)
        sha256 = SourceFile(saved).hash("sha256")
        modules = foreign_modules(saved)
        picture = ""
        if wishes.inspect:
            target = wishes.output.with_suffix(".png")
            picture = inspect.draw(model, target, folder)
        saved.replace(os.path.realpath(wishes.output))
    return Outcome(kept, card, report, sha256, modules, layers, picture, entry)


def convert(
    network: CaffeNetwork, wishes: Wishes
) -> tuple[CaffeNetwork, keras.Model]:
    """The model, and the network without weights that it left out."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            warnings.simplefilter("error", OtherNamesWarning)
            model = network.to_keras(wishes.preprocessing)
    except (OtherNetworkError, OtherNamesWarning) as error:
        if not wishes.force:
            raise ValueError(f"{error}; --force leaves it out") from error
        warnings.warn(f"{error}; it is left out", stacklevel=2)
        # Nothing of the file is in the model, or in its card.
        network = network.changed(caffemodel=None)
        return network, network.to_keras(wishes.preprocessing)
    if network.caffemodel is None:
        own = network.weights().own
        warnings.warn(
            f"{network.file}: no CAFFEMODEL was given: "
            f"the weights that this file holds itself are used"
            if own
            else "no CAFFEMODEL was given: layers start from their fillers",
            stacklevel=2,
        )
    for warning in caught:
        warnings.warn(warning.message, warning.category, stacklevel=2)
    return network, model


def check_output(output: Path | None) -> None:
    """Raises if the file cannot be written."""
    if output is None:
        return
    for place in (output, Path(os.path.realpath(output))):
        if not place.parent.is_dir():
            raise FileNotFoundError(
                f"No such directory: {place.parent}; make it first"
            )
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a directory")


@contextlib.contextmanager
def folder_beside(output: Path | None) -> Iterator[Path]:
    """A folder on the disk of the result, so that it can be moved at once.

    What cannot be written there is told of as the user's file.
    """
    place = output and os.path.dirname(os.path.realpath(output))
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=HIDDEN) as folder:
            yield Path(folder)
    except OSError as error:
        # Whoever is in the middle of a file does not say which.
        full = error.filename is None and error.errno in NO_ROOM
        if output is None or not (full or HIDDEN in str(error)):
            raise
        known = error.errno and os.strerror(error.errno)
        reason = known or "cannot be written"
        raise OSError(error.errno, reason, str(output)) from error
