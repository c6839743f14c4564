"""What a `.keras` file holds besides what Keras reads: our own members.

Such a file is a zip archive, and Keras takes three members out of it by
their names. Ours lie in a folder `caffe/`.
"""

import json
import shutil
import zipfile
from collections.abc import Collection, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from keras_hypersphere.atomic_write import atomic_write

FOLDER = "caffe/"


def read_config(path: str | PathLike) -> dict[str, Any]:
    """The model's config as it was saved.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no `.keras` file.
    """
    return json.loads(read_member(path, "config.json") or "{}")


def read_member(path: str | PathLike, name: str) -> str | None:
    """The text of a member, or None if there is none of this name."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "config.json" not in names:
                raise ValueError("has no config.json")
            return archive.read(name).decode() if name in names else None
    except (zipfile.BadZipFile, ValueError) as error:
        raise ValueError(
            f"{fspath(path)}: is no .keras file ({error}); give one that "
            "`model.save` or `keras-hypersphere convert` wrote"
        ) from error


def write_members(path: str | PathLike, members: Mapping[str, str]) -> None:
    """Puts texts into a `.keras` file, in place of those of these names."""
    ours = {FOLDER + name: text for name, text in members.items()}
    with zipfile.ZipFile(path) as archive:
        known = ours.keys() & set(archive.namelist())
    if known:
        leave_out(path, known)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in ours.items():
            archive.writestr(name, text)


def leave_out(path: str | PathLike, names: Collection[str]) -> None:
    """Writes the archive again without some members: zip has no other way."""
    with (
        atomic_write(Path(path)) as file,
        zipfile.ZipFile(path) as old,
        zipfile.ZipFile(file, "w") as new,
    ):
        for member in old.infolist():
            if member.filename not in names:
                with (
                    old.open(member) as source,
                    new.open(member, "w") as target,
                ):
                    shutil.copyfileobj(source, target)


def foreign_modules(path: str | PathLike) -> tuple[str, ...]:
    """What must be imported before Keras can load the file.

    Packages by their name, since importing one registers its classes; modules
    of others as they are.
    """
    found: set[str] = set()
    waiting: list[Any] = [read_config(path)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            module, name = value.get("module"), value.get("registered_name")
            if isinstance(module, str) and name:
                found.add(module)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    ours = __name__.partition(".")[0]
    foreign = {
        ours if module.split(".")[0] == ours else module
        for module in found
        if module.split(".")[0] not in ("keras", "builtins")
    }
    return tuple(sorted(foreign))
