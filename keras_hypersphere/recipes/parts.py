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
    kind = keras.layers.Dense
    if name != "Dense":
        kind = getattr(layers, name, None)
        if not takes(kind, "units"):
            known = [
                each
                for each in layers.__all__
                if takes(getattr(layers, each), "units")
                and each not in ("MarginHead", "Maxout")
            ]
            raise ValueError(
                f"`head` must be one of {', '.join(known)} or Dense. "
                f"Received: head={name!r}"
            )
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


def takes(kind: Any, argument: str) -> bool:
    """Whether a class is made with an argument."""
    return inspect.isclass(kind) and argument in (
        inspect.signature(kind.__init__).parameters
    )


def make(kind: Any, arguments: dict[str, Any], field: str) -> Any:
    """Makes an object; arguments that it does not have are told."""
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(
            f"{field} of the recipe do not fit {kind.__name__}: {error}"
        ) from None
