"""Random changes of photos that a model learns to see through."""

from keras_hypersphere.augmentation.augmentation import Augmentation
from keras_hypersphere.augmentation.blur import Blur
from keras_hypersphere.augmentation.color_jitter import ColorJitter
from keras_hypersphere.augmentation.combined import InTurn, OneOf
from keras_hypersphere.augmentation.erasing import Erasing
from keras_hypersphere.augmentation.gray import Gray
from keras_hypersphere.augmentation.hue_saturation import HueSaturation
from keras_hypersphere.augmentation.low_resolution import LowResolution
from keras_hypersphere.augmentation.mirror import Mirror
from keras_hypersphere.augmentation.pasted_crop import PastedCrop
from keras_hypersphere.augmentation.sets import get
from keras_hypersphere.augmentation.sets import names as list
from keras_hypersphere.augmentation.turn import Turn

__all__ = [
    "Augmentation",
    "Blur",
    "ColorJitter",
    "Erasing",
    "Gray",
    "HueSaturation",
    "InTurn",
    "LowResolution",
    "Mirror",
    "OneOf",
    "PastedCrop",
    "Turn",
    "get",
    "list",
]
