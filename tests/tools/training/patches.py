"""A data set of a few colors, and a network that learns it in seconds."""

import cv2
import keras
import numpy as np

import keras_hypersphere as kh
from keras_hypersphere.face_files.face_source import FaceSource

SIZE = (16, 16)
PEOPLE, PHOTOS = 8, 6


class Patches(FaceSource):
    """Noisy pictures of colors, one set of colors a person, as PNG."""

    def __init__(self, photos=(PHOTOS,) * PEOPLE, size=SIZE, seed=0):
        super().__init__("patches", "patches")
        random = np.random.default_rng(seed)
        self.classes = np.repeat(np.arange(len(photos)), photos)
        looks = random.uniform(60, 200, (len(photos), 4, 4, 3))
        self.pixels = []
        for label in self.classes:
            look = cv2.resize(looks[label], size[::-1])
            noise = random.normal(0, 12, look.shape)
            self.pixels.append(np.clip(look + noise, 0, 255).astype(np.uint8))

    def __len__(self):
        return len(self.classes)

    def _read(self, index):
        return cv2.imencode(".png", self.pixels[index][..., ::-1])[1].tobytes()

    def _name(self, index):
        return f"p{self.classes[index]}/{index}.png"

    def _classes(self):
        names = [f"p{i}" for i in range(self.classes.max() + 1)]
        return self.classes.astype(np.int64), names


def make_backbone(dtype=None):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((*SIZE, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, dtype=dtype)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.5, dtype=dtype)(x)
    x = keras.layers.Flatten(dtype=dtype)(x)
    x = keras.layers.Dense(8, name="embedding", dtype=dtype)(x)
    return keras.Model(inputs, x, name="tiny")


def make_model(classes=PEOPLE - 2, rate=0.05, dtype=None, **options):
    """A model that learns the patches in a few epochs."""
    model = kh.models.MarginModel(
        make_backbone(dtype), kh.layers.ASoftmax(classes)
    )
    model.compile(keras.optimizers.SGD(rate, momentum=0.9, **options))
    return model


CARD = {
    "name": "patches",
    "template": "none",
    "architecture": "tiny",
    "training_data": "patches of color",
    "classes": PEOPLE - 2,
}
