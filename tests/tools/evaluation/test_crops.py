import numpy as np
import pytest

from keras_hypersphere.tools.evaluation import crops


def test_landmarks_of_other_photos_are_refused():
    pixels = np.zeros((10, 20, 3), np.uint8)
    points = np.full((5, 2), 30.0)
    with pytest.raises(ValueError, match=r"a\.jpg lie outside.*20 x 10"):
        crops.require_inside(points, pixels, "a.jpg")
    # A face cut by the border is no error.
    points[0] = 5.0
    crops.require_inside(points, pixels, "a.jpg")
    points[0] = 19.0, 9.0
    crops.require_inside(points, pixels, "a.jpg")
