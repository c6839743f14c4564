"""Sets the weights of a model from a file.

Our own files are `.npz`: one array a weight, named by the path of the Keras
variable (`stem_conv/kernel`), so that they depend on no version of Keras.
"""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.npz_damage import DAMAGE
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading.onnx_file import read_onnx
from keras_hypersphere.zoo.loading.weight_files import (
    call_of,
    is_path,
    locate,
    require_file,
    suffix_of,
)


def load_weights(
    model: keras.Model,
    weights: "str | os.PathLike",
    architecture: str | None = None,
) -> None:
    """Sets all weights of a model from a card's file or a file of yours.

    Args:
        model: The model.
        weights: The name of a card, or a path that ends in `.weights.h5`,
            `.keras`, `.npz` or `.onnx`.
        architecture: The name that a card must have as its `architecture`.
            Default: None, not checked.

    Raises:
        ValueError: If the name is unknown, the hash of a card's file is
            wrong, or the file does not hold exactly the model's weights.
        FileNotFoundError: If there is no such file.
    """
    path = locate(weights, architecture)
    try:
        load_file(model, path)
    except ValueError as error:
        if is_path(weights):
            raise
        raise ValueError(
            f"{error} The weights of {weights} are of "
            f"{call_of(get_card(str(weights)))}."
        ) from None


def load_file(model: keras.Model, path: Path) -> None:
    """Sets all weights of a model from a file, by its suffix."""
    require_file(path)
    suffix = suffix_of(path)
    if suffix == ".npz":
        set_weights(model, read_arrays(path), origin=str(path))
        return
    if suffix == ".onnx":
        set_weights(model, read_onnx(model, path), origin=str(path))
        return
    try:
        if suffix == ".keras":
            other = keras.models.load_model(path, compile=False, safe_mode=True)
        else:
            load_all_weights(model, path)
    # Keras and h5py raise many kinds, on many lines.
    except Exception as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(
            f"'{path}' does not hold the weights of {model.name}: {first[0]}"
        ) from error
    if suffix == ".keras":
        values = {v.path: keras.ops.convert_to_numpy(v) for v in other.weights}
        set_weights(model, values, origin=str(path))


def load_all_weights(model: keras.Model, path: Path) -> None:
    """Loads a `.weights.h5` file that must set every weight.

    Keras leaves a layer as it is if the file has nothing for it. So all are
    marked first, and restored if a mark is left or the file is bad.
    """
    before = model.get_weights()
    variables = [v for v in model.weights if "float" in v.dtype]
    for variable in variables:
        variable.assign(np.full(variable.shape, np.nan, np.float32))
    try:
        model.load_weights(path)
        lacking = [
            variable.path
            for variable in variables
            if np.isnan(keras.ops.convert_to_numpy(variable)).any()
        ]
        if lacking:
            raise ValueError(f"it lacks {first_of(lacking)}")
    except BaseException:
        model.set_weights(before)
        raise


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads the arrays of an `.npz` file."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except DAMAGE as error:
        raise ValueError(
            f"'{path}' is not a readable .npz file: {error}"
        ) from None


def write_arrays(path: Path, values: Mapping[str, np.ndarray]) -> None:
    """Writes an `.npz` file; equal arrays give equal bytes."""
    with (
        atomic_write(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, value in values.items():
            # A `ZipInfo` of its own carries no date and no user.
            info = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(info, "w") as entry:
                np.lib.format.write_array(
                    entry,
                    np.ascontiguousarray(value),
                    version=(1, 0),
                    allow_pickle=False,
                )


def set_weights(
    model: keras.Model, values: Mapping[str, np.ndarray], origin: str
) -> None:
    """Sets every weight of a model, or none.

    Args:
        model: The model.
        values: An array for the path of every variable of the model.
        origin: Where the values come from, for error messages.

    Raises:
        ValueError: If a weight is missing, is not the model's, or has
            another shape.
    """
    variables = {variable.path: variable for variable in model.weights}
    missing = [name for name in variables if name not in values]
    unknown = [name for name in values if name not in variables]
    if missing or unknown:
        advice = (
            ""
            if unknown
            else " A classifier has weights only in a file saved with it: "
            "else use include_top=False."
        )
        raise ValueError(
            f"'{origin}' does not hold the weights of {model.name}: it lacks "
            f"{first_of(missing)}; the model lacks {first_of(unknown)}.{advice}"
        )
    for name, variable in variables.items():
        if tuple(variable.shape) != values[name].shape:
            raise ValueError(
                f"'{origin}' does not fit {model.name}: {name} has the shape "
                f"{values[name].shape}, {tuple(variable.shape)} was expected."
            )
    for name, variable in variables.items():
        variable.assign(values[name].astype(np.float32))


def first_of(names: list[str]) -> str:
    """Names a few and counts the others."""
    if not names:
        return "nothing"
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest
