"""A preset of a few kilobytes: LeNet++ with an eighth of its widths."""

import dataclasses
from pathlib import Path

import keras
import numpy as np

from keras_hypersphere.zoo import LeNetPlusPlus
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading.preset import save_preset

WIDTH = 1 / 8
IMAGE = np.ones((1, 28, 28, 1), "float32")


def network(seed=0):
    keras.utils.set_random_seed(seed)
    return LeNetPlusPlus(width=WIDTH, name="small")


def card(**fields):
    """Its card; the weights that it speaks of are nowhere."""
    data = get_card("dlib-resnet").as_dict()
    dim = network().output_shape[-1]
    return Card.from_dict(
        {
            **data,
            "name": "small",
            "architecture": "LeNetPlusPlus",
            "arguments": {"width": WIDTH},
            "input_shape": [28, 28, 1],
            "channels": "gray",
            "mean": [0.0],
            "template": "none",
            "dim": dim,
            "golden_output": [0.5 + i for i in range(dim)],
            **fields,
        }
    )


def embed(model):
    return keras.ops.convert_to_numpy(model(IMAGE, training=False))[0]


def write_preset(folder, seed=0, model=None, **fields):
    """Writes a folder that `load_preset` reads; returns the embedding."""
    model = model or network(seed)
    written = save_preset(model, card(), embed(model), folder)
    path = Path(folder).expanduser() / "card.json"
    dataclasses.replace(written, **fields).save(path)
    return embed(model)


def lambda_network():
    """A network with code in its file."""
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Lambda(lambda x: x + 1, output_shape=(28, 28, 1))(inputs)
    units = network().output_shape[-1]
    x = keras.layers.Dense(units)(keras.layers.Flatten()(x))
    return keras.Model(inputs, x)
