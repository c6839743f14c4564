"""The model of a recipe: a network and its head, or its loss."""

import dataclasses
from typing import TYPE_CHECKING, Any

from keras_hypersphere.recipes.recipe import Recipe
from keras_hypersphere.tools.training.backbones import (
    APPLICATIONS,
    find_backbone,
    make_backbone,
)
from keras_hypersphere.zoo.loading.preset import open_preset

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class Built:
    """What is trained.

    Args:
        model: The model, not compiled.
        backbone: The part of it that is kept: crops to embeddings.
    """

    model: Any
    backbone: Any


def build(recipe: Recipe, classes: int) -> Built:
    """Builds the model of a recipe for a number of people.

    Weights depend on the recipe's seed alone.
    """
    import keras

    from keras_hypersphere.models.margin_model import MarginModel

    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    try:
        backbone = make_backbone(recipe)
        if recipe.loss is not None:
            model = on_the_sphere(backbone)
            return Built(model, model)
        return Built(MarginModel(backbone, recipe.make_head(classes)), backbone)
    finally:
        keras.config.set_dtype_policy(policy)


def on_the_sphere(backbone: "keras.Model") -> "keras.Model":
    """A network whose embeddings have the length 1, as triplets need."""
    import keras

    from keras_hypersphere.layers.normalize_layer import NormalizeLayer

    if isinstance(backbone.layers[-1], NormalizeLayer):
        return backbone
    x = NormalizeLayer(name="unit_embedding")(backbone.output)
    return keras.Model(backbone.input, x, name=backbone.name)


def compile_model(
    built: Built,
    recipe: Recipe,
    steps_per_epoch: int,
) -> None:
    """Compiles the model with the recipe's optimizer and loss."""
    import keras

    model = built.model
    optimizer = recipe.make_optimizer(model, steps_per_epoch)
    # Decided by the policy of the model; the global one is float32 again.
    if recipe.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, recipe.make_loss())


def card_fields(recipe: Recipe, built: Built, classes: int) -> dict[str, Any]:
    """What the card of a trained preset says, but for its weights."""
    found = find_backbone(recipe.backbone)
    backbone = built.backbone
    known: dict[str, Any] = {}
    name = found.name.removeprefix(APPLICATIONS)
    if found.trained:
        card = open_preset(recipe.backbone).card
        known = {
            "licence": card.licence,
            "licence_url": card.licence_url,
            "arguments": card.arguments,
            "source": f"fine-tuned from {card.name}, {card.source}",
        }
        name = card.architecture
    head = recipe.head if recipe.head is not None else recipe.loss
    heads = head if isinstance(head, str) else " and ".join(head)
    return {
        "name": f"{name.lower()}.{recipe.name}",
        "description": (
            f"{name}, {backbone.output_shape[-1]} numbers a face, trained "
            f"with {heads} on {classes} people"
        ),
        "architecture": name,
        "arguments": {},
        "source": f"trained with the recipe {recipe.name}: {recipe.source}",
        "licence": "yours; your photos' terms apply",
        "licence_url": "",
        "classes": classes,
        "input_shape": (*recipe.image_size, len(recipe.mean)),
        "channels": recipe.channels,
        "mean": recipe.mean,
        "scale": recipe.scale,
        "template": recipe.template,
        "flip": "none",
        "feature_layer": backbone.layers[-1].name,
        "dim": backbone.output_shape[-1],
        "distance": recipe.distance,
        **known,
    }
