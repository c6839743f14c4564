import cv2
import numpy as np
import pytest

from keras_hypersphere.evaluation import PairList, lfw

PAIRS = 40


@pytest.fixture
def measured(tmp_path):
    """Pairs of flat photos, each its own shade; one pair failed."""
    random = np.random.default_rng(0)
    same = np.arange(PAIRS) // 4 % 2 == 0
    left = random.normal(size=(PAIRS, 4))
    right = np.where(same[:, None], left, 0) + random.normal(size=left.shape)
    failed = np.arange(PAIRS) == 7
    report = lfw(left, right, same, folds=5, distance="l2", failed=failed)
    images = tmp_path / "images"
    (images / "a&b").mkdir(parents=True)
    names = [f"a&b/<{index}>.png" for index in range(PAIRS + 1)]
    for index, name in enumerate(names):
        photo = np.full((40, 20 + index, 3), 5 * index, np.uint8)
        assert cv2.imwrite(str(images / name), photo)
    return report, PairList(names[:-1], names[1:], same), images
