"""The head and the loss of a recipe."""

import inspect
from typing import TYPE_CHECKING, Any

import keras

from keras_hypersphere import layers, losses
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

if TYPE_CHECKING:
    from keras_hypersphere.recipes.recipe import Recipe


def make_head(recipe: "Recipe", classes: int) -> Any:
    """The head of a recipe, or its heads as a list."""
    if recipe.head is None:
        raise ValueError(
            f"The recipe {recipe.name} has no head: {recipe.loss} takes "
            "embeddings, see `make_loss`."
        )
    if isinstance(recipe.head, str):
        return head_of(recipe.head, recipe.head_arguments, classes)
    pairs = zip(recipe.head, recipe.head_arguments, strict=True)
    return [head_of(name, given, classes) for name, given in pairs]


def head_of(name: str, given: dict[str, Any], classes: int) -> Any:
    """One layer of a recipe."""
    if name not in ("Dense", *known_heads()):
        raise ValueError(
            f"`head` must be one of {', '.join(known_heads())} or Dense. "
            f"Received: head={name!r}"
        )
    kind = keras.layers.Dense if name == "Dense" else getattr(layers, name)
    given = dict(given)
    if isinstance(given.get("annealing"), dict):
        given["annealing"] = make(
            LambdaAnnealing, given["annealing"], "annealing of `head_arguments`"
        )
    return make(kind, {"units": classes, **given}, "`head_arguments`")


def make_loss(recipe: "Recipe") -> Any:
    """The loss on embeddings of a recipe, or None."""
    if recipe.loss is None:
        return None
    kind = getattr(losses, recipe.loss, None)
    if recipe.loss not in losses.__all__:
        raise ValueError(
            f"`loss` must be one of {', '.join(losses.__all__)}. "
            f"Received: loss={recipe.loss!r}"
        )
    return make(kind, recipe.loss_arguments, "`loss_arguments`")


def known_heads() -> list[str]:
    """The layers of `kh.layers` that take the number of people."""
    return [
        name
        for name in layers.__all__
        if name not in ("MarginHead", "Maxout")
        and "units" in inspect.signature(getattr(layers, name)).parameters
    ]


def make(kind: Any, arguments: dict[str, Any], field: str) -> Any:
    """Makes an object; arguments that it does not have are told."""
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{field} of the recipe do not fit {kind.__name__}: {error}"
        ) from None
