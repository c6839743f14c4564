import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_hypersphere.tools.evaluation import crops


def test_results_come_in_order_and_a_bounded_number_ahead():
    lock = threading.Lock()
    started = []

    def work(item):
        with lock:
            started.append(item)
        time.sleep(0.002 * (item % 3))
        return item * item

    with ThreadPoolExecutor(4) as pool:
        results = crops.in_order(pool, work, range(300))
        assert next(results) == 0
        time.sleep(0.3)
        assert len(started) <= crops.AHEAD + 1
        assert list(results) == [item * item for item in range(1, 300)]


def test_an_error_ends_the_work():
    started = []

    def work(item):
        started.append(item)
        time.sleep(0.001)
        if item == 3:
            raise RuntimeError("three")
        return item

    with ThreadPoolExecutor(2) as pool:
        results = crops.in_order(pool, work, range(10_000))
        with pytest.raises(RuntimeError, match="three"):
            list(results)
    assert len(started) <= crops.AHEAD + 4


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
