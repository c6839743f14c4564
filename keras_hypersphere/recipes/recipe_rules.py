"""What the fields of a recipe may hold."""

import math
import reprlib
from typing import TYPE_CHECKING, Any

from keras_hypersphere.arguments import DISTANCES

if TYPE_CHECKING:
    from keras_hypersphere.recipes.recipe import Recipe

CHANNELS = {"RGB": 3, "BGR": 3, "gray": 1}
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16", "auto")
# What a schedule of each kind has besides `kind`.
SCHEDULES: dict[str, tuple[str, ...]] = {
    "constant": (),
    "multistep": ("epochs", "factor"),
    "polynomial": ("power",),
    "cosine": (),
}
WORDS = {
    str: "text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    dict: "an object",
}


def impossible(name: str, value: Any, expected: str) -> ValueError:
    """The error of a field that does not hold what was expected."""
    return ValueError(
        f"`{name}` of a recipe must be {expected}. "
        f"Received: {name}={reprlib.repr(value)}"
    )


def typed(name: str, value: Any, kind: Any) -> Any:
    """A value as its field holds it: lists as tuples, numbers as floats."""
    if kind is Any:
        return tuple(value) if isinstance(value, list) else value
    optional: Any = getattr(kind, "__args__", ())
    if type(None) in optional:
        return None if value is None else typed(name, value, optional[0])
    if getattr(kind, "__origin__", None) is tuple:
        if not isinstance(value, (list, tuple)):
            raise impossible(name, value, "a list")
        return tuple(typed(name, each, kind.__args__[0]) for each in value)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise impossible(name, value, WORDS[kind])
    return value


def check(recipe: "Recipe") -> None:
    """Raises `ValueError` if a field has an impossible value."""

    def require(name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise impossible(name, getattr(recipe, name), expected)

    for name in ("name", "source", "backbone", "optimizer", "template"):
        require(name, getattr(recipe, name).strip() != "", "some text")
    for name in ("learning_rate", "batch_size", "epochs"):
        require(name, getattr(recipe, name) > 0, "greater than 0")
    for name in ("weight_decay", "seed"):
        require(name, getattr(recipe, name) >= 0, "0 or more")
    require(
        "warmup_epochs",
        0 <= recipe.warmup_epochs < recipe.epochs,
        f"0 or more, and fewer than the {recipe.epochs} epochs",
    )
    require("precision", recipe.precision in PRECISIONS, one_of(PRECISIONS))
    require("distance", recipe.distance in DISTANCES, one_of(DISTANCES))
    require("channels", recipe.channels in CHANNELS, one_of(CHANNELS))
    size = CHANNELS[recipe.channels]
    require("mean", len(recipe.mean) == size, f"{size} numbers")
    require("scale", recipe.scale != 0, "a number other than 0")
    sides = len(recipe.image_size) == 2 and min(recipe.image_size) > 0
    require("image_size", sides, "(height, width)")
    if recipe.clip_norm is not None:
        require("clip_norm", recipe.clip_norm > 0, "greater than 0, or null")
    if recipe.ema is not None:
        require("ema", 0 < recipe.ema < 1, "between 0 and 1, or null")
    check_head(recipe, require)
    check_schedule(recipe)
    check_rates(recipe, require)


def one_of(words: Any) -> str:
    """The words as an error says them."""
    return f"one of {', '.join(words)}"


def check_head(recipe: "Recipe", require: Any) -> None:
    """One head or several with their arguments, or a loss on embeddings."""
    head, arguments = recipe.head, recipe.head_arguments
    if isinstance(head, tuple):
        fits = bool(head) and all(isinstance(name, str) for name in head)
        require("head", fits, "a name, a list of names, or null")
        fits = (
            isinstance(arguments, tuple)
            and len(arguments) == len(head)
            and all(isinstance(each, dict) for each in arguments)
        )
        require("head_arguments", fits, "a list with an object for each head")
    else:
        fits = head is None or (isinstance(head, str) and head != "")
        require("head", fits, "a name, a list of names, or null")
        require("head_arguments", isinstance(arguments, dict), "an object")
    if (head is None) == (recipe.loss is None):
        raise ValueError(
            "A recipe has a `head`, or a `loss` on embeddings, and the other "
            f"is null. Received: head={head!r}, loss={recipe.loss!r}"
        )
    people, photos = recipe.people_per_batch, recipe.photos_per_person
    if (people is None) != (photos is None) or not (
        people is None or (people >= 2 and (photos or 0) >= 2)
    ):
        raise ValueError(
            "`people_per_batch` and `photos_per_person` of a recipe go "
            "together, 2 or more each, or are null. Received: "
            f"people_per_batch={people}, photos_per_person={photos}"
        )


def check_schedule(recipe: "Recipe") -> None:
    """The kind is known, and has what it needs and nothing else."""
    schedule = dict(recipe.schedule)
    kind = schedule.pop("kind", None)
    if kind not in SCHEDULES:
        kinds = one_of(SCHEDULES)
        raise impossible("schedule", recipe.schedule, f"of a kind, {kinds}")
    if set(schedule) != set(SCHEDULES[kind]):
        needs = " and ".join(SCHEDULES[kind]) or "nothing else"
        raise impossible("schedule", recipe.schedule, f"{kind!r} with {needs}")
    for name in ("factor", "power"):
        number = schedule.get(name, 1.0)
        if not isinstance(number, (int, float)) or not number > 0:
            raise impossible(
                "schedule", recipe.schedule, f"{kind!r} with {name} above 0"
            )
    drops = schedule.get("epochs", [])
    if not (
        isinstance(drops, (list, tuple))
        and all(isinstance(drop, (int, float)) for drop in drops)
        and list(drops) == sorted(set(drops))
        and all(0 < drop <= recipe.epochs for drop in drops)
    ):
        raise impossible(
            "schedule",
            recipe.schedule,
            f"'multistep' with growing epochs, up to {recipe.epochs}",
        )


def check_rates(recipe: "Recipe", require: Any) -> None:
    """Factors by pattern, which only `CaffeSGD` has."""
    factors = recipe.rate_multipliers
    fits = all(
        isinstance(factor, (int, float)) and factor >= 0
        for factor in factors.values()
    )
    require("rate_multipliers", fits, "numbers, 0 or more, by pattern")
    if factors and recipe.optimizer != "CaffeSGD":
        raise ValueError(
            "`rate_multipliers` of a recipe needs the optimizer CaffeSGD. "
            f"Received: optimizer={recipe.optimizer!r}"
        )
