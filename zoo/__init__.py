"""What people load: backbones, cards, alignment, embeddings."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_hypersphere.zoo import alignment, images
    from keras_hypersphere.zoo.alignment.no_face_error import NoFaceError
    from keras_hypersphere.zoo.card import Card
    from keras_hypersphere.zoo.centerface import CenterFace
    from keras_hypersphere.zoo.dlib_resnet import DlibResNet
    from keras_hypersphere.zoo.embedder import FaceEmbedder
    from keras_hypersphere.zoo.facenet import (
        FaceNetNN1,
        FaceNetNN2,
        FaceNetNN3,
        FaceNetNN4,
    )
    from keras_hypersphere.zoo.facenet_small import FaceNetNNS1, FaceNetNNS2
    from keras_hypersphere.zoo.gallery import Gallery
    from keras_hypersphere.zoo.inception_resnet import InceptionResNetV1
    from keras_hypersphere.zoo.lenet_pp import LeNetPlusPlus
    from keras_hypersphere.zoo.lightcnn import (
        LightCNN9,
        LightCNNA,
        LightCNNB,
    )
    from keras_hypersphere.zoo.lightcnn29 import (
        LightCNN29,
        LightCNN29V2,
    )
    from keras_hypersphere.zoo.mobilefacenet import MobileFaceNet
    from keras_hypersphere.zoo.preprocessing import preprocess_input
    from keras_hypersphere.zoo.registry import get_card, list_models
    from keras_hypersphere.zoo.sphereface import (
        SphereFace4,
        SphereFace10,
        SphereFace20,
        SphereFace36,
        SphereFace64,
    )

# Where each name lives: cards are listed without loading Keras or OpenCV.
HOMES = {
    "Card": "card",
    "CenterFace": "centerface",
    "DlibResNet": "dlib_resnet",
    "FaceEmbedder": "embedder",
    "FaceNetNN1": "facenet",
    "FaceNetNN2": "facenet",
    "FaceNetNN3": "facenet",
    "FaceNetNN4": "facenet",
    "FaceNetNNS1": "facenet_small",
    "FaceNetNNS2": "facenet_small",
    "Gallery": "gallery",
    "InceptionResNetV1": "inception_resnet",
    "LeNetPlusPlus": "lenet_pp",
    "LightCNN29": "lightcnn29",
    "LightCNN29V2": "lightcnn29",
    "LightCNN9": "lightcnn",
    "LightCNNA": "lightcnn",
    "LightCNNB": "lightcnn",
    "MobileFaceNet": "mobilefacenet",
    "NoFaceError": "alignment.no_face_error",
    "SphereFace10": "sphereface",
    "SphereFace20": "sphereface",
    "SphereFace36": "sphereface",
    "SphereFace4": "sphereface",
    "SphereFace64": "sphereface",
    "get_card": "registry",
    "list_models": "registry",
    "preprocess_input": "preprocessing",
}

__all__ = [
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
