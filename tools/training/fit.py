"""The training of a folder: data, model, callbacks, `fit`."""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.backend.processes import (
    first_does,
    gathered,
    process_count,
    process_index,
)
from keras_hypersphere.callbacks.exact_resume import ExactResume
from keras_hypersphere.callbacks.training_state import TrainingState
from keras_hypersphere.data.face_batches import FaceBatches
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.recipes.recipe import Recipe
from keras_hypersphere.tools.training.crop_file import crops_for
from keras_hypersphere.tools.training.data_checks import (
    check_batch,
    check_faces,
)
from keras_hypersphere.tools.training.devices import (
    require_whole_clipping,
    several_devices,
)
from keras_hypersphere.tools.training.divergence import StopOnDivergence
from keras_hypersphere.tools.training.held_out_pairs import split_people
from keras_hypersphere.tools.training.interruption import Interruption
from keras_hypersphere.tools.training.journal import Journal
from keras_hypersphere.tools.training.memory import about_memory
from keras_hypersphere.tools.training.presets import Presets
from keras_hypersphere.tools.training.recipe_model import (
    Built,
    build,
    card_fields,
    compile_model,
)
from keras_hypersphere.tools.training.run_folder import CHECKPOINTS
from keras_hypersphere.tools.training.same_people import (
    people_held_out_again,
    same_people,
    without_people,
)
from keras_hypersphere.tools.training.task import NONE, PEOPLE, Task
from keras_hypersphere.tools.training.validation import (
    Validation,
    validation_set,
)

# Batches between two checkpoints within an epoch.
EVERY = 200
# A small network learns some hundred people in thousands of steps.
FEW_STEPS = 500
Tell = Callable[[str], None]
Progress = Callable[[int, int], None]


def train(
    task: Task,
    tell: Tell,
    progress: Progress | None = None,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
    check: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Trains, and writes what a run holds.

    Args:
        task: What.
        tell: Called with lines for a person.
        progress: Called with how many photos are aligned, of how many.
        callbacks: Further ones of `fit`.
        check: Raises `KeyboardInterrupt` if somebody has asked to stop.

    Returns:
        The logs of the last epoch, and where the presets are.

    Raises:
        ValueError: For data that cannot be trained on, and a training that
            diverges.
        KeyboardInterrupt: Behind a checkpoint, if `check` raised it.
    """
    with contextlib.ExitStack() as devices:
        try:
            built, batches, resume, parts = prepare(
                task, tell, progress, devices
            )
        except Exception:
            if not task.resume:
                # The same command, once what was wrong is put right.
                task.run.forget()
            raise
        epochs = task.recipe.epochs
        if epochs_done(resume) >= epochs:
            tell(f"all {epochs} epochs are done already")
            return outcome(task, {})
        history = built.model.fit(
            batches,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=[
                *(*parts, *callbacks, resume),
                Interruption(resume, check),
            ],
        )
    logs = {name: values[-1] for name, values in history.history.items()}
    return outcome(task, logs)


def prepare(
    task: Task,
    tell: Tell,
    progress: Progress | None,
    devices: contextlib.ExitStack,
) -> tuple[Built, FaceBatches, ExactResume, list[keras.callbacks.Callback]]:
    """All that `fit` needs, with a look at the data first."""
    recipe, run = task.recipe, task.run
    require_whole_clipping(task.devices, recipe)
    source = crops_of_all(task, progress)
    tell(str(source))
    if source.left_out:
        name, why = next(iter(source.left_out.items()))
        tell(f"left out: {len(source.left_out)}, such as {name}: {why}")
    indices, faces = divide(task, source, tell)
    for line in check_faces(
        source,
        indices,
        pairs_needed=recipe.loss is not None,
        image_size=recipe.image_size,
        channels=recipe.channels,
        aligned=task.aligned and recipe.template != "none",
        template=recipe.template,
    ):
        tell(f"warning: {line}")
    batches = make_batches(recipe, source, indices, tell)
    require_same(recipe, batches)
    people = [] if faces is None else sorted(faces.people or ())
    run.keep_classes(batches.class_names, people, task.data)
    x, y = batches[0]
    for line in check_batch(x, y, batches.classes):
        tell(f"warning: {line}")
    devices.enter_context(
        several_devices(
            task.devices,
            batches.batch_size,
            batches.classes,
            lambda classes: build(recipe, classes).model,
            tell,
        )
    )
    built = build(recipe, batches.classes)
    compile_model(built, recipe, len(batches))
    steps = len(batches) * recipe.epochs
    tell(
        f"{batches.num_photos} photos of {batches.classes} people, "
        f"{len(batches)} times {batches.batch_size} photos an epoch, "
        f"{recipe.epochs} epochs: {steps} steps; "
        f"{built.backbone.count_params():,} parameters in the network"
    )
    if steps < FEW_STEPS and not recipe.fine_tunes:
        tell(
            f"warning: {steps} steps are few for a network that begins with "
            "random weights. Take smaller batches (--batch-size), more "
            "--epochs, or fine-tune a trained network: --backbone sface"
        )
    photos = batches.batch_size or recipe.batch_size
    for line in about_memory(built.backbone, min(photos, batches.num_photos)):
        tell(line)
    for line in about_margin(built, steps):
        tell(line)
    resume, parts = make_callbacks(task, built, batches, faces)
    for part in parts:
        for line in getattr(part, "notes", ()):
            tell(line)
    return built, batches, resume, parts


def crops_of_all(task: Task, progress: Progress | None) -> FaceSource:
    """The crops to train on; the first process makes what there is not."""
    recipe = task.recipe

    def crops(resume: bool, show: Progress | None = None) -> FaceSource:
        return crops_for(
            task.data,
            task.run.path,
            template=recipe.template,
            image_size=recipe.image_size,
            aligned=task.aligned,
            resume=resume,
            progress=show,
        )

    made = first_does(lambda: crops(task.resume, progress))
    return crops(True) if made is None else made


def require_same(recipe: Recipe, batches: FaceBatches) -> None:
    """Refuses processes that see other photos, or were told otherwise.

    Raises:
        ValueError: If they do: their parts would be of no whole.
    """
    seen = hashlib.sha256(json.dumps(recipe.to_dict()).encode())
    seen.update("\n".join(batches.class_names).encode())
    for values in (batches.photos, batches.labels):
        seen.update(np.ascontiguousarray(values).tobytes())
    digests = gathered(np.frombuffer(seen.digest(), np.uint8))
    if (digests != digests[0]).any():
        raise ValueError(
            "The processes that train together have other photos, labels or "
            "recipes. Give all the same data, and the same words."
        )


def divide(task: Task, source: FaceSource, tell: Tell) -> tuple[Any, Any]:
    """Photos to train on, and faces to validate with."""
    recipe = task.recipe
    indices, held_out = np.arange(len(source)), None
    if task.validation == NONE:
        tell(
            "validation: none; the presets have no threshold, and the last "
            "epoch is the best"
        )
        return indices, None
    if task.validation == PEOPLE:
        indices, held_out = split_people(source, seed=recipe.seed)
    faces = validation_set(
        task.validation,
        source,
        held_out,
        image_size=recipe.image_size,
        mean=recipe.mean,
        scale=recipe.scale,
        channels=recipe.channels,
        template=recipe.template,
        seed=recipe.seed,
    )
    pairs = len(faces.same)
    if task.validation == PEOPLE:
        tell(
            f"validation: {len(np.unique(source.labels[held_out]))} of "
            f"{len(source.class_names)} people are held out, a tenth: "
            f"{pairs} pairs of their {len(held_out)} photos. --validation "
            "says otherwise"
        )
        return without_second_names(task, source, indices, held_out, tell), (
            faces
        )
    tell(f"validation: {pairs} pairs of {faces.name}")
    both = same_people(source.class_names, faces.people or ())
    if both and task.remove_same:
        indices = without_people(source, both)
        tell(f"{len(both)} people of the validation are not trained on")
    elif both:
        tell(
            f"warning: {len(both)} people are in the validation too, such as "
            f"{both[0]}: what it measures is too good. --remove-same leaves "
            "them out of the training"
        )
    return indices, faces


def without_second_names(
    task: Task, source: FaceSource, indices: Any, held_out: Any, tell: Tell
) -> Any:
    """Photos to train on; tells who looks like somebody held out."""
    recipe = task.recipe
    found, why_not = people_held_out_again(
        source, indices, held_out, recipe.template, recipe.image_size
    )
    if why_not:
        tell(why_not)
    if not found:
        return indices
    first = found[0]
    alike = (
        f"{first.training} and, held out, {first.evaluation} (distance "
        f"{first.distance:.2f})"
    )
    names = {pair.training for pair in found}
    if task.remove_same:
        tell(
            f"{len(names)} people who look like some held out are not trained "
            f"on, such as {alike}"
        )
        return without_people(source, names, indices)
    tell(
        f"warning: {len(names)} people look like some held out, such as "
        f"{alike}: one person under two names makes the validation too good. "
        "--remove-same leaves them out of the training"
    )
    return indices


def make_batches(
    recipe: Recipe, source: FaceSource, indices: Any, tell: Tell
) -> FaceBatches:
    """The batches of a recipe, of fewer people where there are fewer."""
    given = recipe.batches()
    if given["people"] is not None:
        _, counts = np.unique(source.labels[indices], return_counts=True)
        paired = int((counts >= 2).sum())
        if paired < given["people"]:
            tell(
                f"batches: of {paired} people, for {given['people']}; no "
                "more have two photos"
            )
            given["people"] = max(2, paired)
    count = process_count()
    size = (given["people"] or 1) * (given["photos"] or recipe.batch_size)
    if size % count:
        raise ValueError(
            f"{count} processes: batches must have a multiple of {count} "
            f"photos, as many for each. Received: {size}; say --batch-size."
        )
    return FaceBatches(
        source,
        recipe.batch_size,
        indices=indices,
        workers=os.cpu_count() or 1,
        part=(process_index(), count),
        **given,
    )


def about_margin(built: Built, steps: int) -> list[str]:
    """Whether the margin has come to act when the training ends."""
    told = []
    for head in getattr(built.model, "heads", []):
        annealing = getattr(head, "annealing", None)
        if annealing is None or steps < 1:
            continue
        last = annealing(steps)
        if last > 1.01 * annealing.minimum:
            told.append(
                f"warning: in {steps} steps λ falls to {last:.3g}, and not to "
                f"{annealing.minimum:g}: the margin will have the weight "
                f"{1 / (1 + last):.2g} of {1 / (1 + annealing.minimum):.2g}. "
                "More epochs, smaller batches, or a larger gamma of the "
                "annealing in the recipe's head_arguments bring it there"
            )
    return told


def make_callbacks(
    task: Task, built: Built, batches: FaceBatches, faces: Any
) -> tuple[ExactResume, list[keras.callbacks.Callback]]:
    """What a run writes, in the order of what needs what."""
    recipe, run = task.recipe, task.run.path
    stop = StopOnDivergence(run)
    parts: list[Any] = []
    validation = None
    if faces is not None:
        validation = Validation(faces, built.backbone, distance=recipe.distance)
        parts.append(validation)
    presets = Presets(
        run,
        built.backbone,
        card_fields(recipe, built, batches.classes),
        validation,
        command=task.run.command,
    )
    resume = ExactResume(run / CHECKPOINTS, EVERY, also=[stop, presets])
    journal = Journal(
        run,
        recipe.to_dict(),
        len(batches) * (batches.batch_size or recipe.batch_size),
        resume=resume,
    )
    return resume, [stop, batches.follow(), *parts, journal, presets]


def epochs_done(resume: ExactResume) -> int:
    """Epochs that a checkpoint has behind it."""
    path: Path = resume.path
    return TrainingState.read(path).about["epoch"] if path.exists() else 0


def outcome(task: Task, logs: dict[str, Any]) -> dict[str, Any]:
    """What the command reports."""
    run = task.run.path
    return {
        "run": str(run),
        "best": str(run / "best"),
        "last": str(run / "last"),
        "page": str(run / "index.html"),
        "epochs": task.recipe.epochs,
        "recipe": task.recipe.name,
        "logs": {name: float(value) for name, value in logs.items()},
    }
