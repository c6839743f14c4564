"""What people load: backbones, cards, alignment, embeddings."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_hypersphere.zoo import alignment, images
    from keras_hypersphere.zoo.alignment.no_face_error import NoFaceError
    from keras_hypersphere.zoo.card import Card
    from keras_hypersphere.zoo.dlib_resnet import DlibResNet
    from keras_hypersphere.zoo.embedder import FaceEmbedder
    from keras_hypersphere.zoo.preprocessing import preprocess_input
    from keras_hypersphere.zoo.registry import get_card, list_models

# Where each name lives: cards are listed without loading Keras or OpenCV.
HOMES = {
    "Card": "card",
    "DlibResNet": "dlib_resnet",
    "FaceEmbedder": "embedder",
    "NoFaceError": "alignment.no_face_error",
    "get_card": "registry",
    "list_models": "registry",
    "preprocess_input": "preprocessing",
}

__all__ = [
    "Card",
    "DlibResNet",
    "FaceEmbedder",
    "NoFaceError",
    "alignment",
    "get_card",
    "images",
    "list_models",
    "preprocess_input",
]


def __getattr__(name: str) -> object:
    if name in HOMES:
        home = importlib.import_module(f"{__name__}.{HOMES[name]}")
        return getattr(home, name)
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}. "
        f"Its parts are: {', '.join(__all__)}."
    )


def __dir__() -> list[str]:
    return sorted(__all__)
