"""What travels with a converted model: where it comes from, what it takes."""

import hashlib
import json
import platform
import zipfile
from importlib.metadata import version
from os import PathLike
from typing import TYPE_CHECKING, Any

import keras

from keras_hypersphere.tools.caffe.archive import (
    FOLDER,
    read_member,
    write_members,
)
from keras_hypersphere.tools.caffe.record import Record
from keras_hypersphere.tools.caffe.verification.report import (
    TOLERANCE,
    Verification,
)
from keras_hypersphere.version import __version__

if TYPE_CHECKING:
    from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork

CARD = "card.json"
REPORT = "verification.json"
TABLE = "verification.txt"
# What Keras reads; these are what the hashes of the result are of, since a
# file cannot hold its own.
PARTS = ("config.json", "model.weights.h5")


def make_card(
    network: "CaffeNetwork",
    record: Record | None,
    path: str | PathLike | None = None,
    report: Verification | None = None,
) -> dict[str, Any]:
    """Describes a converted model.

    Args:
        network: What it was made of.
        record: The model's `name_map`.
        path: The `.keras` file that it was saved to, if it was.
        report: What `verify` said.

    Returns:
        What JSON holds: hashes, inputs and outputs with their shapes, what
        is left to do to images before the model, and what the model does to
        them itself, counts, versions, and the outcome of `verify`.
    """
    if record is None:
        raise ValueError(
            f"{path}: has no names of Caffe's; save what `to_keras` returned, "
            "not a model that was loaded"
        )
    layers = record["layers"]
    costs = [layer["multiply_adds"] for layer in layers]
    return {
        "source": {
            "prototxt": network.prototxt and network.prototxt.describe(),
            "caffemodel": network.caffemodel
            and network.caffemodel.source.describe(),
        },
        "result": path and {n: hash_member(path, n) for n in PARTS},
        "inputs": {n: x["shape"] for n, x in record["inputs"].items()},
        "outputs": record["shapes"],
        "preprocessing": record["preprocessing"],
        "preprocessing_in_model": record["preprocessing_in_model"],
        "parameters": sum(layer["parameters"] for layer in layers),
        "multiply_adds": None if None in costs else sum(costs),
        "phase": network.state.phase_name,
        "stages": sorted(network.state.stages),
        "level": network.state.level,
        "versions": {
            "keras_hypersphere": __version__,
            "keras": keras.version(),
            "backend": backend(),
            "python": platform.python_version(),
        },
        "verification": None
        if report is None
        else {
            "passed": report.passed,
            "summary": report.summary(),
            "oracles": report.oracles,
            "tolerance": TOLERANCE,
            "notes": list(report.notes),
        },
    }


def write_card(
    path: str | PathLike,
    card: dict[str, Any],
    report: Verification | None = None,
) -> None:
    """Puts a card into a `.keras` file; Keras does not look at it.

    Args:
        path: The file, as `model.save` wrote it.
        card: What `make_card` returned.
        report: What `verify` said; its table is written next to the card.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lenet.keras"
    >>> kh.tools.caffe.to_keras(PROTOTXT, CAFFEMODEL).save(path)
    >>> card = kh.tools.caffe.make_card(path, PROTOTXT, CAFFEMODEL)
    >>> kh.tools.caffe.write_card(path, card)
    >>> kh.tools.caffe.read_card(path) == card
    True
    """
    members = {CARD: json.dumps(card, indent=2) + "\n"}
    if report is not None:
        members[REPORT] = json.dumps(report.to_dict(), indent=2) + "\n"
        members[TABLE] = f"{report}\n{report.summary()}\n"
    write_members(path, members)


def read_card(path: str | PathLike) -> dict[str, Any] | None:
    """The card in a `.keras` file, or None if it has none.

    Args:
        path: The file, as `model.save` wrote it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no `.keras` file.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lenet.keras"
    >>> kh.tools.caffe.to_keras(PROTOTXT).save(path)
    >>> kh.tools.caffe.read_card(path) is None
    True
    """
    text = read_member(path, FOLDER + CARD)
    return None if text is None else json.loads(text)


def hash_member(path: str | PathLike, name: str) -> str:
    """SHA-256 of a member of a `.keras` file."""
    with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
        return hash_stream(stream)


def hash_stream(stream: Any) -> str:
    """SHA-256 of what is left in a stream, a piece after the other."""
    total = hashlib.sha256()
    while piece := stream.read(2**20):
        total.update(piece)
    return total.hexdigest()


def backend() -> str:
    """Keras' backend and its version."""
    name = keras.backend.backend()
    try:
        return f"{name} {version(name)}"
    except ModuleNotFoundError:
        # Builds of TensorFlow go by several names.
        return name
