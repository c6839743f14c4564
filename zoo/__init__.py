"""What people load: backbones, cards, alignment, embeddings."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_hypersphere.zoo import alignment, images
    from keras_hypersphere.zoo.alignment.no_face_error import NoFaceError
    from keras_hypersphere.zoo.backbones.centerface import CenterFace
    from keras_hypersphere.zoo.backbones.dlib_resnet import DlibResNet
    from keras_hypersphere.zoo.backbones.facenet import (
        FaceNetNN1,
        FaceNetNN2,
        FaceNetNN3,
        FaceNetNN4,
    )
    from keras_hypersphere.zoo.backbones.facenet_small import (
        FaceNetNNS1,
        FaceNetNNS2,
    )
    from keras_hypersphere.zoo.backbones.inception_resnet import (
        InceptionResNetV1,
    )
    from keras_hypersphere.zoo.backbones.lenet_pp import LeNetPlusPlus
    from keras_hypersphere.zoo.backbones.lightcnn import (
        LightCNN9,
        LightCNNA,
        LightCNNB,
    )
    from keras_hypersphere.zoo.backbones.lightcnn29 import (
        LightCNN29,
        LightCNN29V2,
    )
    from keras_hypersphere.zoo.backbones.mobilefacenet import MobileFaceNet
    from keras_hypersphere.zoo.backbones.sface import SFace
    from keras_hypersphere.zoo.backbones.sphereface import (
        SphereFace4,
        SphereFace10,
        SphereFace20,
        SphereFace36,
        SphereFace64,
    )
    from keras_hypersphere.zoo.cards.card import Card
    from keras_hypersphere.zoo.cards.registry import get_card, list_models
    from keras_hypersphere.zoo.faces.bulk_embedder import BulkEmbedder
    from keras_hypersphere.zoo.faces.embedder import FaceEmbedder
    from keras_hypersphere.zoo.faces.gallery import Gallery
    from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input

# Where each name lives: cards are listed without loading Keras or OpenCV.
HOMES = {
    "BulkEmbedder": "faces.bulk_embedder",
    "Card": "cards.card",
    "CenterFace": "backbones.centerface",
    "DlibResNet": "backbones.dlib_resnet",
    "FaceEmbedder": "faces.embedder",
    "FaceNetNN1": "backbones.facenet",
    "FaceNetNN2": "backbones.facenet",
    "FaceNetNN3": "backbones.facenet",
    "FaceNetNN4": "backbones.facenet",
    "FaceNetNNS1": "backbones.facenet_small",
    "FaceNetNNS2": "backbones.facenet_small",
    "Gallery": "faces.gallery",
    "InceptionResNetV1": "backbones.inception_resnet",
    "LeNetPlusPlus": "backbones.lenet_pp",
    "LightCNN29": "backbones.lightcnn29",
    "LightCNN29V2": "backbones.lightcnn29",
    "LightCNN9": "backbones.lightcnn",
    "LightCNNA": "backbones.lightcnn",
    "LightCNNB": "backbones.lightcnn",
    "MobileFaceNet": "backbones.mobilefacenet",
    "NoFaceError": "alignment.no_face_error",
    "SFace": "backbones.sface",
    "SphereFace10": "backbones.sphereface",
    "SphereFace20": "backbones.sphereface",
    "SphereFace36": "backbones.sphereface",
    "SphereFace4": "backbones.sphereface",
    "SphereFace64": "backbones.sphereface",
    "get_card": "cards.registry",
    "list_models": "cards.registry",
    "preprocess_input": "runtimes.preprocessing",
}

__all__ = [
    "BulkEmbedder",
    "Card",
    "CenterFace",
    "DlibResNet",
    "FaceEmbedder",
    "FaceNetNN1",
    "FaceNetNN2",
    "FaceNetNN3",
    "FaceNetNN4",
    "FaceNetNNS1",
    "FaceNetNNS2",
    "Gallery",
    "InceptionResNetV1",
    "LeNetPlusPlus",
    "LightCNN9",
    "LightCNN29",
    "LightCNN29V2",
    "LightCNNA",
    "LightCNNB",
    "MobileFaceNet",
    "NoFaceError",
    "SFace",
    "SphereFace4",
    "SphereFace10",
    "SphereFace20",
    "SphereFace36",
    "SphereFace64",
    "alignment",
    "get_card",
    "images",
    "list_models",
    "preprocess_input",
]


# To a type checker it would give every name.
if not TYPE_CHECKING:

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
