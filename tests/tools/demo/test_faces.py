import numpy as np
import pytest

from keras_hypersphere.tools.demo import faces
from keras_hypersphere.zoo import images


# `make demo` runs it, and fails with it.
@pytest.mark.slow
def test_every_decision_is_right(capsys, tmp_path):
    outcome = faces.run(tmp_path)
    assert outcome.passed is True
    figures = outcome.figures
    assert figures["right"] == figures["decisions"] == 66
    assert figures["model"] == "sface"
    assert 0 < figures["largest_distance_same"] < 0.2
    assert figures["smallest_distance_different"] > 0.7
    (picture,) = outcome.files
    assert picture.parent == tmp_path
    pixels = images.read(picture)
    assert min(pixels.shape[:2]) > 600
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 10_000
    out = capsys.readouterr().out
    assert out.count("  same") == 10 and out.count("  different") == 1
    assert "66 of 66 pairs" in out and "WRONG" not in out


def test_changes_change_the_photo():
    photo = images.read(faces.PORTRAITS["Grace Hopper"])
    for label, change in faces.CHANGES.items():
        changed = change(photo)
        assert changed.dtype == np.uint8
        if label == "original":
            assert changed is photo
        elif label == "half size":
            assert changed.shape == (300, 256, 3)
        else:
            assert changed.shape == photo.shape
            assert np.abs(changed.astype(int) - photo).mean() > 1
    np.testing.assert_array_equal(faces.mirrored(photo)[:, 0], photo[:, -1])
