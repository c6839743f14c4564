import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.zoo import NoFaceError, images
from keras_hypersphere.zoo.aligned_face import find_face
from keras_hypersphere.zoo.aligned_faces import (
    AHEAD,
    align_photos,
    in_order,
    read_crops,
)

SAMPLES = Path(images.__file__).parent / "samples"


def test_results_come_in_order_and_a_bounded_number_ahead():
    lock = threading.Lock()
    started = []

    def work(item):
        with lock:
            started.append(item)
        time.sleep(0.002 * (item % 3))
        return item * item

    with ThreadPoolExecutor(4) as pool:
        results = in_order(pool, work, range(300), AHEAD)
        assert next(results) == 0
        time.sleep(0.3)
        assert len(started) <= AHEAD + 1
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
        results = in_order(pool, work, range(10_000), AHEAD)
        with pytest.raises(RuntimeError, match="three"):
            list(results)
    assert len(started) <= AHEAD + 4


def test_each_photo_is_as_alone(tmp_path):
    """Photos of one size and others, and what is wrong, in order."""
    collins = images.read(SAMPLES / "eileen_collins.png")[:300, 60:380]
    hopper = images.read(SAMPLES / "grace_hopper.jpg")[60:360, 100:420]
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    blank = np.full_like(collins, 90)
    named = [
        ("collins", collins),
        ("broken", broken),
        ("blank", blank),
        ("hopper", hopper),
        ("missing", tmp_path / "missing.png"),
        ("smaller", np.ascontiguousarray(collins[:290])),
    ]
    found = list(align_photos(named, "dlib"))
    assert len(found) == len(named)
    for (name, photo), face in zip(named, found, strict=True):
        if name in ("broken", "blank", "missing"):
            with pytest.raises((ValueError, OSError)) as caught:
                find_face(photo, "dlib", name=name)
            assert type(face) is type(caught.value)
            assert str(face) == str(caught.value)
            continue
        alone = find_face(photo, "dlib", name=name)
        assert (face.photo, face.found) == (name, alone.found)
        # A batch may tip the rounding of a box.
        np.testing.assert_allclose(
            face.face.landmarks, alone.face.landmarks, atol=1.5
        )
        assert np.abs(face.crop.astype(int) - alone.crop).mean() < 6
    assert isinstance(found[2], NoFaceError)


def test_crops_are_read_as_they_are():
    crop = np.arange(150 * 150 * 3, dtype=np.uint8).reshape(150, 150, 3)
    small = crop[:100]
    one, other = read_crops([("a", crop), ("b", small)], (150, 150))
    np.testing.assert_array_equal(one.crop, crop)
    assert one.photo == "a" and one.face is None
    assert isinstance(other, ValueError) and "'b'" in str(other)
