"""The learning rates and the optimizer of a recipe."""

from typing import TYPE_CHECKING, Any

import keras

from keras_hypersphere import optimizers
from keras_hypersphere.optimizers.caffe_sgd import fits
from keras_hypersphere.recipes.parts import make
from keras_hypersphere.schedules.caffe_learning_rate import CaffeLearningRate
from keras_hypersphere.schedules.warm_up import WarmUp

if TYPE_CHECKING:
    from keras_hypersphere.recipes.recipe import Recipe

keras_schedules = keras.optimizers.schedules


def make_schedule(
    recipe: "Recipe",
    steps_per_epoch: int,
    batch_size: int | None,
    epochs: int | None,
) -> Any:
    """The learning rate of each step, see `Recipe.make_schedule`."""
    for name, value in (
        ("steps_per_epoch", steps_per_epoch),
        ("batch_size", batch_size),
        ("epochs", epochs),
    ):
        if value is not None and not value >= 1:
            raise ValueError(
                f"`{name}` must be 1 or more. Received: {name}={value!r}"
            )
    rate = recipe.scaled_rate(batch_size or recipe.batch_size)
    total = steps_per_epoch * (epochs or recipe.epochs)
    # Of an epoch as published.
    steps = total / recipe.epochs
    warm = round(recipe.warmup_epochs * steps)
    plan = recipe.schedule
    schedule: Any
    if plan["kind"] == "multistep":
        # Drops that fall together, in a very short training, multiply.
        drops = sorted({max(1, round(e * steps)) for e in plan["epochs"]})
        schedule = CaffeLearningRate(
            "multistep", rate, gamma=plan["factor"], stepvalue=drops
        )
    elif plan["kind"] == "polynomial":
        schedule = keras_schedules.PolynomialDecay(
            rate, max(1, total - warm), end_learning_rate=0.0,
            power=plan["power"],
        )  # fmt: skip
    elif plan["kind"] == "cosine":
        schedule = keras_schedules.CosineDecay(rate, max(1, total - warm))
    else:
        schedule = CaffeLearningRate("fixed", rate)
    if not warm:
        return schedule
    # Drops are counted from the first step of all.
    return WarmUp(schedule, warm, delay=plan["kind"] != "multistep")


def make_optimizer(
    recipe: "Recipe",
    model: keras.Model,
    steps_per_epoch: int,
    batch_size: int | None,
    epochs: int | None,
) -> keras.Optimizer:
    """The optimizer, see `Recipe.make_optimizer`."""
    given: dict[str, Any] = {
        "learning_rate": make_schedule(
            recipe, steps_per_epoch, batch_size, epochs
        ),
        **recipe.optimizer_arguments,
    }
    if recipe.clip_norm is not None:
        given["global_clipnorm"] = recipe.clip_norm
    if recipe.ema is not None:
        given |= {"use_ema": True, "ema_momentum": recipe.ema}
    if recipe.optimizer == "CaffeSGD":
        given["weight_decay"] = recipe.weight_decay
        given["multipliers"] = multipliers(recipe, model)
        return make(optimizers.CaffeSGD, given, "`optimizer_arguments`")
    kind = getattr(keras.optimizers, recipe.optimizer, None)
    if not (isinstance(kind, type) and issubclass(kind, keras.Optimizer)):
        raise ValueError(
            "`optimizer` of a recipe must be CaffeSGD or one of "
            "keras.optimizers, such as AdamW. Received: "
            f"optimizer={recipe.optimizer!r}"
        )
    if recipe.weight_decay:
        given["weight_decay"] = recipe.weight_decay
    optimizer = make(kind, given, "`optimizer_arguments`")
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(
            [
                variable
                for variable, names in named_variables(model)
                if excluded(recipe, names)
            ]
        )
    return optimizer


def multipliers(
    recipe: "Recipe", model: keras.Model
) -> dict[str, tuple[float, float]]:
    """The multipliers of rate and decay that are not 1, by path."""
    found = {}
    for variable, names in named_variables(model):
        rates = [
            float(factor)
            for pattern, factor in recipe.rate_multipliers.items()
            if any(fits(name, pattern) for name in names)
        ]
        decayed = not excluded(recipe, names)
        pair = (rates[0] if rates else 1.0, 1.0 if decayed else 0.0)
        if pair != (1.0, 1.0):
            found[variable.path] = pair
    return found


def excluded(recipe: "Recipe", names: list[str]) -> bool:
    """Whether a variable does not decay."""
    return any(
        fits(name, pattern)
        for name in names
        for pattern in recipe.decay_excluded
    )


def named_variables(
    model: keras.Model,
) -> list[tuple[keras.Variable, list[str]]]:
    """What is trained, by path; of heads also as `head/kernel`."""
    heads = {
        id(variable): f"head/{variable.name}"
        for head in getattr(model, "heads", [])
        for variable in head.trainable_variables
    }
    return [
        (variable, [variable.path, *filter(None, [heads.get(id(variable))])])
        for variable in model.trainable_variables
    ]
