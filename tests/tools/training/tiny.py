"""People of 16 x 16 pixels, and a network that learns them in a second."""

import json

import cv2
import keras
import numpy as np

from keras_hypersphere import recipes
from keras_hypersphere.tools.training.presets import card_of
from keras_hypersphere.zoo import FaceEmbedder

SIDE = 16


def make_people(folder, people=12, photos=6):
    """A pattern for each person, with noise, as PNG files."""
    draw = np.random.default_rng(0)
    for person in range(people):
        (folder / f"person {person:02d}").mkdir(parents=True)
        coarse = draw.integers(60, 196, (4, 4, 3)).astype(np.uint8)
        pattern = cv2.resize(coarse, (SIDE, SIDE)).astype(float)
        for photo in range(photos):
            noisy = pattern + draw.normal(0, 12, pattern.shape)
            path = folder / f"person {person:02d}" / f"{photo}.png"
            cv2.imwrite(str(path), noisy.clip(0, 255).astype(np.uint8))
    return folder


def make_preset(folder, normalized=True):
    """A network, with batch statistics, of random weights, as a preset."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(8, 3, strides=2, name="conv")(inputs)
    if normalized:
        x = layers.BatchNormalization(momentum=0.5, name="bn")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(8, name="embedding")(x)
    model = keras.Model(inputs, x)
    fields = {
        "name": "tiny",
        "template": "none",
        "mean": [127.5] * 3,
        "scale": 1 / 128,
        "threshold": 0.5,
    }
    FaceEmbedder(model, card_of(model, fields)).save_to_preset(folder)
    return folder


def make_recipe(path, preset, **fields):
    """The recipe of arcface for the tiny network, in a file."""
    made = recipes.get("arcface").to_dict() | {
        "name": "tiny",
        "backbone": str(preset),
        "head_arguments": {"margin": 0.2, "scale": 16.0},
        "batch_size": 15,
        "learning_rate": 0.1,
        "epochs": 3,
        "warmup_epochs": 1,
        "template": "none",
        "image_size": [SIDE, SIDE],
        "precision": "float32",
        "ema": 0.9,
        **fields,
    }
    path.write_text(json.dumps(made))
    return path
