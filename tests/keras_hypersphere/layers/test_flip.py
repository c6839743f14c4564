import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.flip import Flip

IMAGES = np.arange(2 * 3 * 4 * 5, dtype="float32").reshape(2, 3, 4, 5)


@pytest.mark.parametrize("width", [True, False])
@pytest.mark.parametrize("height", [True, False])
def test_reverses_the_axes_asked_for(width, height):
    expected = IMAGES
    if width:
        expected = expected[:, :, ::-1]
    if height:
        expected = expected[:, ::-1]
    found = Flip(width, height)(IMAGES)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)


def test_integers_stay_integers():
    images = ops.convert_to_tensor(IMAGES.astype("uint8"))
    flipped = Flip(dtype="mixed_float16")(images)
    assert flipped.dtype == images.dtype
    np.testing.assert_array_equal(
        ops.convert_to_numpy(flipped), IMAGES.astype("uint8")[:, :, ::-1]
    )


@pytest.mark.parametrize("argument", ["width", "height"])
def test_refuses_what_is_no_bool(argument):
    with pytest.raises(ValueError, match=f"`{argument}`.*{argument}=1"):
        Flip(**{argument: 1})


def test_refuses_a_single_image():
    with pytest.raises(ValueError, match=r"shape=\(4, 5, 3\)"):
        Flip()(np.ones((4, 5, 3), "float32"))
