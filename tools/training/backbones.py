"""The network that a name means, and the input that it takes."""

import dataclasses
import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_hypersphere.recipes.recipe import Recipe
from keras_hypersphere.zoo.cards.registry import known_names, list_models
from keras_hypersphere.zoo.loading.hub import SCHEME
from keras_hypersphere.zoo.loading.preset import open_preset

if TYPE_CHECKING:
    import keras

APPLICATIONS = "keras.applications."
# As LFW's and MS1M's models have it; keras.applications end with a mean.
DIM = 512
HALF = {"mean": (127.5, 127.5, 127.5), "scale": 1 / 128}
ARCFACE = {"template": "arcface", "image_size": (112, 112), "channels": "RGB"}
FACENET = {"template": "facenet", "image_size": (160, 160), "channels": "RGB"}
SPHEREFACE = {
    "template": "sphereface",
    "image_size": (112, 96),
    "channels": "BGR",
}
LIGHTCNN = {
    "template": "lightcnn",
    "image_size": (128, 128),
    "channels": "gray",
    "mean": (0.0,),
    "scale": 1 / 255,
}
DLIB = {
    "template": "dlib",
    "image_size": (150, 150),
    "channels": "RGB",
    "mean": (122.782, 117.001, 104.298),
    "scale": 1 / 256,
}
# As published, by how the name of a network begins.
INPUTS: dict[str, dict[str, Any]] = {
    "SphereFace": {**SPHEREFACE, **HALF},
    "CenterFace": {**SPHEREFACE, **HALF},
    "LightCNN": LIGHTCNN,
    "FaceNet": {**FACENET, **HALF},
    "InceptionResNet": {**FACENET, **HALF},
    "MobileFaceNet": {**ARCFACE, **HALF},
    "SFace": {**ARCFACE, **HALF},
    "DlibResNet": DLIB,
}


@dataclasses.dataclass(frozen=True)
class Found:
    """A network that a recipe or a user names.

    Args:
        name: What a recipe says for it.
        kind: `"zoo"`, `"applications"` or `"preset"`.
        input: The fields of a recipe that say what it takes; empty if it
            takes anything.
    """

    name: str
    kind: str
    input: dict[str, Any]

    @property
    def trained(self) -> bool:
        """Whether it has weights."""
        return self.kind == "preset"


def find_backbone(name: str) -> Found:
    """Finds a network of the zoo, of keras.applications, or a preset.

    Raises:
        ValueError: If there is no such network.
        FileNotFoundError: If a preset has no card or no weights.
    """
    networks = zoo_networks()
    if name in networks:
        taken = [INPUTS[start] for start in INPUTS if name.startswith(start)]
        return Found(name, "zoo", taken[0])
    if name.startswith(APPLICATIONS):
        return Found(name, "applications", {})
    folder = Path(name).expanduser()
    if name in known_names() or name.startswith(SCHEME) or folder.is_dir():
        card = open_preset(name).card
        if name not in known_names() and folder.is_dir():
            # The folder, wherever the command that goes on is typed.
            name = str(folder.resolve())
        return Found(
            name,
            "preset",
            {
                "template": card.template,
                "image_size": card.input_shape[:2],
                "channels": card.channels,
                "mean": card.mean,
                "scale": card.scale,
                "distance": card.distance,
            },
        )
    if name.isidentifier() and name in applications():
        return Found(f"{APPLICATIONS}{name}", "applications", {})
    raise ValueError(
        f"There is no backbone {name!r}. Known are {', '.join(networks)}, the "
        f"presets {', '.join(list_models())}, the folder of a preset, such as "
        "RUN/best, and the networks of keras.applications, such as "
        "MobileNetV2."
    )


def zoo_networks() -> list[str]:
    """The networks of the zoo that take faces."""
    from keras_hypersphere import zoo

    return [name for name in zoo.__all__ if name.startswith(tuple(INPUTS))]


def applications() -> list[str]:
    """The networks of keras.applications."""
    import keras

    found = vars(keras.applications)
    return [name for name in found if inspect.isfunction(found[name])]


def make_backbone(recipe: Recipe) -> "keras.Model":
    """Builds the network of a recipe; of a preset, with its weights.

    Raises:
        ValueError: If it cannot take the recipe's crops.
    """
    found = find_backbone(recipe.backbone)
    channels = 1 if recipe.channels == "gray" else 3
    shape = (*recipe.image_size, channels)
    if found.kind == "preset":
        network = open_preset(recipe.backbone)
        model = network.model
        if tuple(model.input_shape[1:]) != shape:
            raise ValueError(
                f"The preset {recipe.backbone} takes {model.input_shape[1:]}, "
                f"and the recipe says image_size={recipe.image_size}, "
                f"channels={recipe.channels!r}. Say --backbone, and the "
                "recipe takes the preset's."
            )
        model.trainable = True
        return model
    if found.kind == "zoo":
        zoo = importlib.import_module("keras_hypersphere.zoo")
        return getattr(zoo, found.name)(input_shape=shape)
    return application(found.name.removeprefix(APPLICATIONS), shape)


def application(name: str, shape: tuple[int, ...]) -> "keras.Model":
    """A network of keras.applications, with an embedding on top."""
    import keras

    if name not in applications():
        raise ValueError(
            f"keras.applications has no {name!r}. It has "
            f"{', '.join(applications())}."
        )
    build = getattr(keras.applications, name)
    given: dict[str, Any] = {"include_top": False, "weights": None}
    if "include_preprocessing" in inspect.signature(build).parameters:
        given["include_preprocessing"] = False
    base = build(input_shape=shape, pooling="avg", **given)
    x = keras.layers.Dense(DIM, use_bias=False, name="fc")(base.output)
    x = keras.layers.BatchNormalization(name="embedding")(x)
    return keras.Model(base.input, x, name=base.name)
