"""The folder of a training: what it is, and how it goes on."""

import json
import shlex
from pathlib import Path
from typing import Any

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.backend.processes import is_first_process
from keras_hypersphere.recipes.recipe import Recipe

RECIPE, ABOUT, CLASSES = "recipe.json", "run.json", "classes.json"
COMMAND, CHECKPOINTS = "command.txt", "checkpoints"


class RunFolder:
    """The files of a training that say what it is.

    `recipe.json` the recipe, as `--recipe` takes it; `run.json` the data and
    the options; `classes.json` who has which label, and who was held out;
    `command.txt` the command that goes on.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def begun(self) -> bool:
        """Whether it holds a training."""
        return (self.path / RECIPE).exists()

    @property
    def command(self) -> str:
        """The command that goes on."""
        return (self.path / COMMAND).read_text().strip()

    def require_new(self) -> None:
        """Refuses a folder with a training, or with other things.

        Raises:
            FileExistsError: If there are.
        """
        if self.begun:
            raise FileExistsError(
                f"'{self.path}' holds a training. Say --resume to go on with "
                "it, or another folder."
            )
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(
                f"'{self.path}' is a file. Name a folder, which is made."
            )
        known = {"cache"}
        others = [
            each.name
            for each in (self.path.iterdir() if self.path.exists() else ())
            if each.name not in known
        ]
        if others:
            raise FileExistsError(
                f"'{self.path}' holds something else ({min(others)}). Name "
                "a new folder."
            )

    def begin(self, recipe: Recipe, about: dict[str, Any]) -> None:
        """Writes what the training is; the recipe comes last.

        Of several processes, the first one does.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.write(ABOUT, about)
        words = ["keras-hypersphere", "train", about["data"]]
        words += ["-o", str(self.path.resolve()), "--resume"]
        with atomic_write(self.path / COMMAND) as file:
            file.write(f"{shlex.join(words)}\n".encode())
        recipe.save(self.path / RECIPE)

    def forget(self) -> None:
        """Takes back what `begin` wrote; crops that are made stay."""
        if not is_first_process():
            return
        for name in (RECIPE, COMMAND, ABOUT, CLASSES):
            (self.path / name).unlink(missing_ok=True)

    def read(self) -> tuple[Recipe, dict[str, Any]]:
        """What the training is."""
        return Recipe.load(self.path / RECIPE), self.load(ABOUT)

    def keep_classes(
        self, class_names: list[str], held_out: list[str], data: str
    ) -> None:
        """Writes who has which label; refuses others on the way back.

        Raises:
            ValueError: If the training had other people.
        """
        new = {"classes": class_names, "held_out": held_out, "data": data}
        if (self.path / CLASSES).exists():
            old = self.load(CLASSES)
            if old["classes"] != class_names:
                raise ValueError(
                    f"The people of '{data}' are others than those that "
                    f"'{self.path}' was begun with: {len(class_names)}, and "
                    f"{len(old['classes'])} then. Put the data back, or begin "
                    "in another folder."
                )
        self.write(CLASSES, new)

    def load(self, name: str) -> dict[str, Any]:
        """Reads one of the JSON files."""
        path = self.path / name
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no '{path}'. Begin in another folder."
            )
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"'{path}' is damaged: {error}") from None
        if not isinstance(found, dict):
            raise ValueError(f"'{path}' is damaged: an object was expected")
        return found

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Writes one of the JSON files, as a whole, in the first process."""
        if not is_first_process():
            return
        text = json.dumps(content, indent=1, ensure_ascii=False)
        with atomic_write(self.path / name) as file:
            file.write(f"{text}\n".encode())
