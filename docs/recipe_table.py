"""What docs/which-head.md tells of the published trainings."""

from docs.cards import table
from keras_hypersphere import recipes

# As the arguments of heads are told; others go under their own names.
MARGINS = ("margin", "margin_range", "positive_margin", "negative_margin")


def published() -> str:
    """A row for each recipe, in the order of `kh.recipes.list()`."""
    return table(
        "recipe, head or loss, scale, margin, annealing, learning rate, batch",
        [row(recipes.get(name)) for name in recipes.list()],
    )


def row(recipe: recipes.Recipe) -> list[str]:
    """Head, scale, margin and so on, as the recipe has them."""
    named = recipe.head or recipe.loss
    names = [named] if isinstance(named, str) else named
    given = recipe.head_arguments if recipe.head else recipe.loss_arguments
    arguments: dict = {}
    for each in [given] if isinstance(given, dict) else given:
        arguments |= each
    scale = arguments.get("scale")
    learned = ", learned" if arguments.get("learn_scale") else ""
    margins = [arguments[name] for name in MARGINS if name in arguments]
    batch = str(recipe.batch_size)
    if recipe.people_per_batch:
        batch = f"{recipe.people_per_batch} x {recipe.photos_per_person}"
    return [
        f"`{recipe.name}`",
        ", ".join(f"`{name}`" for name in names),
        "none" if scale is None else f"{scale:g}{learned}",
        ", ".join(map(number, margins)) or "none",
        annealing(arguments.get("annealing")),
        f"{recipe.learning_rate:g}",
        batch,
    ]


def number(value: float | list[float]) -> str:
    """A margin, or the range of one."""
    if isinstance(value, list):
        return " to ".join(f"{end:g}" for end in value)
    return f"{value:g}"


def annealing(schedule: dict | None) -> str:
    """From which λ to which."""
    if schedule is None:
        return "none"
    return f"λ from {schedule['base']:g} to {schedule['minimum']:g}"
