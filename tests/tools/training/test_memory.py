"""A training that memory has no place for is told beforehand."""

import re

import keras
import pytest

from keras_hypersphere.tools.training import memory
from keras_hypersphere.tools.training.devices import on_accelerator
from keras_hypersphere.zoo import MobileFaceNet

pytestmark = pytest.mark.skipif(
    memory.free_bytes() is None, reason="the system does not tell what is free"
)


@pytest.fixture(scope="module")
def network():
    return MobileFaceNet()


def test_more_than_there_is(network):
    if on_accelerator():
        pytest.skip("steps run on an accelerator here")
    photos = 2**20
    [line] = memory.about_memory(network, photos)
    found = re.fullmatch(
        r"warning: a step of 1048576 photos needs about (\d+) GB, and (\d+) GB "
        r"are free: .* --batch-size (\d+) fits",
        line,
    )
    needed, free, fits = map(int, found.groups())
    assert needed == round(memory.step_bytes(network, photos) / 1e9) > free
    assert memory.step_bytes(network, fits) < free * 1e9
    assert memory.about_memory(network, min(fits, 8)) == []


def test_what_layers_give_is_counted():
    network = keras.Sequential(
        [
            keras.Input((4, 5, 3)),
            keras.layers.Conv2D(7, 1),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )
    numbers = 4 * 5 * 7 + 4 * 5 * 7 + 2
    assert memory.step_bytes(network, 3) == memory.KEPT * 4 * numbers * 3
