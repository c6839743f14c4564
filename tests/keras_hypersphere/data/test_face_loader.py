from pathlib import Path

import cv2
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.data.photo_pixels import decode
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input
from tests.keras_hypersphere.data.people import people, picture

SIZE = (16, 14)
SAMPLES = Path(kh.zoo.__file__).parent / "samples"


@pytest.mark.parametrize("channels", ["RGB", "BGR", "gray"])
def test_the_numbers_a_card_gives(tmp_path, channels):
    """What a network is trained on is what it gets when it is used."""
    source = people(tmp_path)
    mean = (120.5,) if channels == "gray" else (120.5, 110.25, 99.0)

    class Card:
        pass

    Card.channels, Card.mean, Card.scale = channels, mean, 0.0078125
    crops = np.stack([picture(0, photo) for photo in range(5)])
    x = kh.data.load_faces(
        source, np.arange(5), SIZE, mean, Card.scale, channels
    )
    np.testing.assert_array_equal(x, preprocess_input(crops, Card))


def test_another_size(tmp_path):
    source = people(tmp_path)
    with pytest.raises(ValueError, match=r"p0/0.png.* has 16 x 14 pixels"):
        kh.data.load_faces(source, [0], (14, 16))
    x = kh.data.load_faces(source, [0], (8, 7), 0.0, 1.0, resize=True)
    wanted = picture(0, 0).reshape(8, 2, 7, 2, 3).mean((1, 3))
    assert np.abs(x[0] - wanted).max() <= 0.5


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_photo_that_was_cut_off(tmp_path, suffix):
    _, data = cv2.imencode(suffix, picture(0, 0, (64, 64)))
    data = data.tobytes()
    assert decode(data, "it").shape == (64, 64, 3)
    for cut in (b"", data[:20], data[: len(data) // 2], data[:-20]):
        with pytest.raises(ValueError, match="it cannot be decoded"):
            decode(cut, "it")


def test_as_the_zoo_reads():
    """An EXIF turn, gray, 16 bit: as `zoo.images.read`."""
    for path in SAMPLES.iterdir():
        np.testing.assert_array_equal(
            decode(path.read_bytes(), "it"), kh.zoo.images.read(path)
        )
    gray = picture(0, 0)[..., 0]
    _, data = cv2.imencode(".png", gray)
    np.testing.assert_array_equal(
        decode(data.tobytes(), "it"), np.dstack([gray] * 3)
    )


def test_an_augmentation_of_ones_own(tmp_path):
    source = people(tmp_path)

    def invert(image, draw):
        return 255 - image

    batches = kh.data.FaceBatches(
        source, 2, SIZE, 0.0, 1.0, augmentation=invert
    )
    x, _ = batches[0]
    plain = kh.data.load_faces(source, batches.indices(0, 0), SIZE, 0.0, 1.0)
    np.testing.assert_array_equal(x, 255 - plain)
    for wrong in (lambda i, d: i[:8], lambda i, d: i / 2, lambda i, d: None):
        batches = kh.data.FaceBatches(source, 2, SIZE, augmentation=wrong)
        with pytest.raises(ValueError, match="`augmentation` must return"):
            batches[0]
