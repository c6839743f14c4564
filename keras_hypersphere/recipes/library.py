"""The recipes that are here, and those in files."""

import builtins
import os
from pathlib import Path

from keras_hypersphere.recipes.recipe import Recipe

FOLDER = Path(__file__).parent / "published"


def list() -> builtins.list[str]:
    """Names the published trainings that are here.

    Returns:
        Sorted list of names for `kh.recipes.get`.

    Example:

    >>> [name for name in kh.recipes.list() if name.endswith("arcface")]
    ['arcface']
    """
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def get(recipe: "str | os.PathLike") -> Recipe:
    """Reads a recipe. Keras is not imported for that.

    Args:
        recipe: A name of `kh.recipes.list()`, or the path of a JSON file, as
            `Recipe.save` and `keras-hypersphere train` write it.

    Returns:
        A `Recipe`.

    Raises:
        ValueError: If there is no such name, or the file is invalid; the
            message names the file and the field.
        FileNotFoundError: If there is no such file.

    Example:

    >>> recipe = kh.recipes.get("cosface")
    >>> recipe.head, recipe.head_arguments["margin"], recipe.batch_size
    ('AMSoftmax', 0.35, 256)
    """
    if isinstance(recipe, str) and recipe in list():
        return Recipe.load(FOLDER / f"{recipe}.json")
    named = isinstance(recipe, str) and not (
        os.sep in recipe or recipe.endswith(".json")
    )
    if not isinstance(recipe, (str, os.PathLike)) or recipe == "" or named:
        raise ValueError(
            f"`recipe` must be one of {', '.join(list())}, or the path of a "
            f".json file. Received: recipe={recipe!r}"
        )
    return Recipe.load(recipe)
