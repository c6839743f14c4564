"""What a training will be: a recipe, changed as the command says."""

import dataclasses
from typing import Any

from keras_hypersphere.recipes.library import get
from keras_hypersphere.recipes.recipe import Recipe
from keras_hypersphere.tools.training.backbones import find_backbone

DEFAULT = "arcface"
# NormFace goes on from trained weights at a hundredth of the rate at which
# they were learned, and with class weights, which are new, at the whole.
FINE_TUNING = 100.0


@dataclasses.dataclass(frozen=True)
class Resolved:
    """A recipe as it will be trained.

    Args:
        recipe: The recipe.
        told: What is not as its file says, a line each.
    """

    recipe: Recipe
    told: list[str]


def resolve(
    recipe: str | None = None,
    backbone: str | None = None,
    head: str | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
) -> Resolved:
    """Changes a recipe as a user asks.

    The data are not looked at: the same words always give the same recipe.

    Args:
        recipe: A name or a file, see `kh.recipes.get`. Default: arcface.
        backbone: A network of the zoo, of keras.applications, or a preset to
            fine-tune.
        head: A head of `kh.layers`, with its own defaults.
        epochs: Warm-up and drops are scaled in proportion.
        batch_size: The learning rate is scaled in proportion.

    Raises:
        ValueError: If a name is unknown, or the recipe fine-tunes and no
            preset is named.
    """
    made = get(recipe or DEFAULT)
    told: list[str] = []
    if backbone is not None:
        made = with_backbone(made, backbone, told)
    elif made.fine_tunes and not find_backbone(made.backbone).trained:
        raise ValueError(
            f"The recipe {made.name} goes on from a trained network: say "
            "--backbone PRESET, such as sface, or RUN/best of a training "
            "with --recipe softmax."
        )
    if head is not None and head != made.head:
        told.append(
            f"head: {head} with its own defaults, for {made.head or made.loss}"
        )
        made = dataclasses.replace(
            made, head=head, head_arguments={}, loss=None, loss_arguments={}
        )
    if epochs is not None and epochs != made.epochs:
        told.append(
            f"epochs: {epochs}, for {made.epochs}; warm-up and drops of the "
            "learning rate are moved in proportion"
        )
        made = with_epochs(made, epochs)
    if batch_size is not None and batch_size != made.batch_size:
        made = with_batch_size(made, batch_size, told)
    return Resolved(with_precision(made, told), told)


def with_backbone(made: Recipe, name: str, told: list[str]) -> Recipe:
    """Another network, with the input that it takes."""
    found = find_backbone(name)
    fields: dict[str, Any] = {"backbone": found.name, **found.input}
    made = dataclasses.replace(made, **fields)
    height, width = made.image_size
    told.append(
        f"backbone: {found.name}; its input is {height} x {width}, "
        f"{made.channels}, aligned as {made.template!r}"
    )
    if made.fine_tunes or not found.trained:
        if made.fine_tunes and not found.trained:
            raise ValueError(
                f"The recipe {made.name} goes on from a trained network, and "
                f"--backbone {name} is one without weights. Say a preset: "
                "sface, or RUN/best of a training with --recipe softmax."
            )
        return made
    rate = made.learning_rate / FINE_TUNING
    factors = dict(made.rate_multipliers)
    if made.optimizer == "CaffeSGD" and made.head is not None:
        factors = {"head/*": FINE_TUNING, **factors}
        rest = f"; class weights, which are new, at {FINE_TUNING:g} times that"
    else:
        rest = ""
    told.append(
        f"fine-tuning: the learning rate is {rate:g}, a hundredth of the "
        f"recipe's{rest}, as NormFace fine-tunes"
    )
    return dataclasses.replace(
        made,
        learning_rate=rate,
        rate_multipliers=factors,
        fine_tunes=True,
        precision="float32",
    )


def with_epochs(made: Recipe, epochs: int) -> Recipe:
    """More or fewer epochs, with warm-up and drops in proportion."""
    share = epochs / made.epochs
    schedule = dict(made.schedule)
    if "epochs" in schedule:
        schedule["epochs"] = [
            round(drop * share, 4) for drop in schedule["epochs"]
        ]
    return dataclasses.replace(
        made,
        epochs=epochs,
        warmup_epochs=round(made.warmup_epochs * share, 4),
        schedule=schedule,
    )


def with_batch_size(made: Recipe, batch_size: int, told: list[str]) -> Recipe:
    """Batches of another size, with the rate in proportion."""
    fields: dict[str, Any] = {}
    if made.photos_per_person is not None:
        photos = made.photos_per_person
        people = max(2, batch_size // photos)
        batch_size = people * photos
        fields["people_per_batch"] = people
        told.append(f"batches: {people} people with {photos} photos each")
    rate = made.scaled_rate(batch_size)
    told.append(
        f"learning rate: {rate:g} at {batch_size} photos a batch, in "
        f"proportion to {made.learning_rate:g} at {made.batch_size}"
    )
    return dataclasses.replace(
        made, batch_size=batch_size, learning_rate=rate, **fields
    )


def with_precision(made: Recipe, told: list[str]) -> Recipe:
    """`"auto"` as what this machine has."""
    if made.precision != "auto":
        return made
    from keras_hypersphere.tools.training.devices import on_accelerator

    found = on_accelerator()
    precision = "mixed_bfloat16" if found else "float32"
    told.append(
        f"precision: {precision}; this machine has "
        f"{'an' if found else 'no'} accelerator"
    )
    return dataclasses.replace(made, precision=precision)
