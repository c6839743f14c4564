"""What is to be trained: from the words of a command, or from its folder."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_hypersphere.backend.processes import (
    first_does,
    in_any_process,
    is_first_process,
)
from keras_hypersphere.recipes.recipe import Recipe
from keras_hypersphere.tools.training.resolve import resolve
from keras_hypersphere.tools.training.run_folder import RunFolder

PEOPLE, NONE = "people", "none"
# Data, choices and options, as `go_on` takes them.
Words = tuple[str, Mapping[str, Any], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Task:
    """What is to be trained.

    Args:
        data: What `kh.data.open_faces` opens.
        run: The folder of the training.
        recipe: As resolved.
        validation: `"people"`, `"none"`, or a file of pairs.
        aligned: Whether the data are crops.
        remove_same: Whether people who are in the validation too are left
            out of the training.
        resume: Whether the folder's training goes on.
        devices: How many it runs on; None for what Keras does by itself.
            A training may go on with another number.
    """

    data: str
    run: RunFolder
    recipe: Recipe
    validation: str = PEOPLE
    aligned: bool = False
    remove_same: bool = False
    resume: bool = False
    devices: int | None = None


def begin(
    run: RunFolder,
    data: str,
    choices: Mapping[str, Any],
    options: Mapping[str, Any],
    tell: Callable[[str], None],
) -> Task:
    """A training that begins, which its folder knows from now on.

    Args:
        run: Its folder.
        data: The data.
        choices: The arguments of `resolve`.
        options: `validation`, `aligned`, `remove_same`.
        tell: Called with lines for a person.

    Raises:
        FileExistsError: If the folder holds something.
        FileNotFoundError: If there are no data, or no file to validate with.
        ValueError: As `resolve`.
    """
    run.require_new()
    about = {**options, "data": existing(data)}
    about["validation"] = named(options["validation"])
    resolved = resolve(**choices)
    recipe = resolved.recipe
    tell(f"recipe {recipe.name}: {recipe.source}")
    if recipe.changed:
        tell(f"in that recipe, not as published: {recipe.changed}")
    for line in resolved.told:
        tell(line)
    run.begin(recipe, {**about, "choices": dict(choices)})
    return Task(run=run, recipe=recipe, **about)


def go_on(
    run: RunFolder,
    data: str,
    choices: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Task:
    """The training of a folder.

    Args: As `begin`. What is given must be what the training was begun
        with.

    Raises:
        ValueError: If it is something else.
    """
    recipe, about = run.read()
    begun = about.pop("choices")
    data = existing(data)
    given = {**choices, "data": data}
    if options["validation"] is not None:
        given["validation"] = named(options["validation"])
    for name in ("aligned", "remove_same"):
        given[name] = options[name] or None
    for name, value in given.items():
        before = {**begun, **about}[name]
        if value is not None and value != before:
            word = name.replace("_", "-")
            raise ValueError(
                f"'{run.path}' was begun with {word}={before}, and not with "
                f"{value}. `{run.command}` goes on with it; for another "
                "training name another folder."
            )
    return Task(run=run, recipe=recipe, resume=True, **about)


def begin_or_go_on(
    run: RunFolder,
    words: Words,
    resume: bool,
    tell: Callable[[str], None],
) -> Task:
    """The training of all processes: the first one begins it.

    Args:
        run: Its folder, which all see.
        words: The last arguments of `go_on`.
        resume: Whether a training that the folder holds goes on.
        tell: Called with lines for a person.

    Raises:
        ValueError: As `begin` and `go_on`; and if the folder is another one
            here than in the first process.
    """
    if in_any_process(is_first_process() and resume and run.begun):
        return go_on(run, *words)
    begun = first_does(lambda: begin(run, *words, tell))
    if begun is not None:
        return begun
    if not run.begun:
        raise ValueError(
            f"'{run.path}' is not the folder that the first process writes "
            "into. Name one that all processes see."
        )
    return dataclasses.replace(go_on(run, *words), resume=False)


def existing(data: str) -> str:
    """The path of the data, wherever the command that goes on is typed."""
    path = Path(data).expanduser()
    if not path.exists():
        raise FileNotFoundError(
            f"There is no '{data}'. Expected a folder with a folder for each "
            "person, or a file of faces."
        )
    return str(path.resolve())


def named(validation: str | None) -> str:
    """What to validate with, in the same way."""
    if validation in (None, PEOPLE, NONE):
        return validation or PEOPLE
    path = Path(validation).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file '{validation}' to validate with. Expected a "
            "list of pairs, a .bin, or none."
        )
    return str(path.resolve())
