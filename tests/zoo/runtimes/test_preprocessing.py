import dataclasses

import numpy as np
import pytest

from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input

CARD = get_card("dlib-resnet")
PIXEL = np.array([[[255, 0, 100]]], np.uint8)


def test_dlib_numbers():
    x = preprocess_input(PIXEL, CARD)
    expected = [
        (255 - 122.782) / 256,
        (0 - 117.001) / 256,
        (100 - 104.298) / 256,
    ]
    np.testing.assert_allclose(x[0, 0], expected, rtol=1e-6)
    assert x.dtype == np.float32


def test_batches_and_floats():
    batch = np.stack([PIXEL, PIXEL]).astype("float64")
    np.testing.assert_array_equal(
        preprocess_input(batch, CARD)[1], preprocess_input(PIXEL, CARD)
    )


def test_other_channel_orders():
    bgr = dataclasses.replace(CARD, channels="BGR", mean=(1, 2, 3), scale=0.5)
    np.testing.assert_allclose(
        preprocess_input(PIXEL, bgr)[0, 0], [49.5, -1, 126], rtol=1e-6
    )
    gray = dataclasses.replace(
        CARD,
        channels="gray",
        mean=(0,),
        scale=1 / 255,
        input_shape=(150, 150, 1),
    )
    x = preprocess_input(PIXEL, gray)
    assert x.shape == (1, 1, 1)
    np.testing.assert_allclose(
        x[0, 0, 0], (255 * 0.299 + 100 * 0.114) / 255, rtol=1e-6
    )


@pytest.mark.parametrize("shape", [(3,), (4, 4), (4, 4, 1), (1, 1, 4, 4, 3)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="`images` must have the shape"):
        preprocess_input(np.zeros(shape), CARD)
