"""What travels with a converted model: where it comes from, what it takes."""

import hashlib
import json
import platform
import zipfile
from collections.abc import Sequence
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import keras

from keras_hypersphere.tools.caffe.archive import (
    FOLDER,
    read_member,
    write_members,
)
from keras_hypersphere.tools.caffe.record import name_map
from keras_hypersphere.tools.caffe.verification.report import (
    TOLERANCE,
    Verification,
)
from keras_hypersphere.version import __version__

CARD = "card.json"
REPORT = "verification.json"
TABLE = "verification.txt"
# What Keras reads; these are what the hashes of the result are of, since a
# file cannot hold its own.
PARTS = ("config.json", "model.weights.h5")


def make_card(
    path: str | PathLike,
    prototxt: str | PathLike,
    caffemodel: str | PathLike | None = None,
    report: Verification | None = None,
    phase: str = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
) -> dict[str, Any]:
    """Describes a converted model.

    Args:
        path: The `.keras` file that a converted model was saved to.
        prototxt, caffemodel: The original files.
        report: What `verify` said.
        phase, stages, level: As they were given to `to_keras`.

    Returns:
        What JSON holds: hashes, inputs and outputs with their shapes, what
        is left to do to images before the model, and what the model does to
        them itself, counts, versions, and the outcome of `verify`.
    """
    record = name_map(path)
    if record is None:
        raise ValueError(
            f"{path}: has no names of Caffe's; save what `to_keras` returned, "
            "not a model that was loaded"
        )
    layers = record["layers"]
    costs = [layer["multiply_adds"] for layer in layers]
    return {
        "source": {
            "prototxt": describe_file(prototxt),
            "caffemodel": None
            if caffemodel is None
            else describe_file(caffemodel),
        },
        "result": {name: hash_member(path, name) for name in PARTS},
        "inputs": {n: x["shape"] for n, x in record["inputs"].items()},
        "outputs": record["shapes"],
        "preprocessing": record["preprocessing"],
        "preprocessing_in_model": record["preprocessing_in_model"],
        "parameters": sum(layer["parameters"] for layer in layers),
        "multiply_adds": None if None in costs else sum(costs),
        "phase": phase,
        "stages": list(stages),
        "level": level,
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
    """
    members = {CARD: json.dumps(card, indent=2) + "\n"}
    if report is not None:
        members[REPORT] = json.dumps(report.to_dict(), indent=2) + "\n"
        members[TABLE] = f"{report}\n{report.summary()}\n"
    write_members(path, members)


def read_card(path: str | PathLike) -> dict[str, Any] | None:
    """The card in a `.keras` file, or None if it has none.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no `.keras` file.
    """
    text = read_member(path, FOLDER + CARD)
    return None if text is None else json.loads(text)


def describe_file(path: str | PathLike) -> dict[str, Any]:
    """Name, size and SHA-256 of a file."""
    file = Path(path)
    return {
        "name": file.name,
        "bytes": file.stat().st_size,
        "sha256": hash_file(file),
    }


def hash_file(path: str | PathLike) -> str:
    """SHA-256, in hexadecimal."""
    with open(path, "rb") as stream:
        return hash_stream(stream)


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
