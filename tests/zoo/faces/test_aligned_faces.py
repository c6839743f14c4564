import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_hypersphere.zoo import NoFaceError, images
from keras_hypersphere.zoo.alignment import align
from keras_hypersphere.zoo.faces.aligned_face import faces_of
from keras_hypersphere.zoo.faces.aligned_faces import (
    AHEAD,
    YUNET,
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
    for (name, photo), result in zip(named, found, strict=True):
        assert result.name == name
        if name in ("broken", "blank", "missing"):
            assert result.faces == []
            with pytest.raises(type(result.problem)) as caught:
                faces_of(name, photo, "dlib", "largest", YUNET)
            assert str(result.problem) == str(caught.value)
            continue
        [face] = result.faces
        [alone] = faces_of(name, photo, "dlib", "largest", YUNET)
        assert (face.photo, face.found) == (name, alone.found)
        np.testing.assert_array_equal(face.face.landmarks, alone.face.landmarks)
        np.testing.assert_array_equal(face.crop, alone.crop)
    assert isinstance(found[2].problem, NoFaceError)


def test_every_face_of_a_photo():
    collins = images.read(SAMPLES / "eileen_collins.png")[:300, 60:380]
    both = np.concatenate([collins, collins[:, ::-1]], axis=1)
    [photo] = align_photos([("both", both)], "arcface", "all")
    assert len(photo.faces) == 2
    for face in photo.faces:
        assert (face.photo, face.found) == ("both", 2)
        np.testing.assert_array_equal(
            face.crop, align(both, face.face, "arcface", antialias=True)
        )
    [one] = align_photos([("both", both)], "arcface", "largest")
    assert len(one.faces) == 1


def test_names_may_be_endless():
    """Frames of a video: as many are read as are asked for, and some."""
    read = []
    blank = np.full((40, 40, 3), 90, np.uint8)

    def frames():
        while True:
            read.append(len(read))
            yield f"frame {len(read)}", blank

    photos = align_photos(frames(), "arcface")
    assert next(photos).name == "frame 1"
    photos.close()
    assert len(read) <= AHEAD + 2


def test_a_template_of_a_box_gets_the_box():
    photo = images.read(SAMPLES / "eileen_collins.png")[:300, 60:380]
    [[face]] = [x.faces for x in align_photos([("collins", photo)], "facenet")]
    assert face.crop.shape == (160, 160, 3)
    left, top, width, height = face.face.box
    part = photo[
        int(top - 16) : int(top + height + 16),
        int(left - 16) : int(left + width + 16),
    ]
    # Averages of a 10 x 10 raster, of the box with its margin and the crop.
    coarse, fine = (
        cv2.resize(x, (10, 10), interpolation=cv2.INTER_AREA).astype(int)
        for x in (part, face.crop)
    )
    assert np.abs(coarse - fine).mean() < 1


def test_no_photo_is_to_blame_for_a_template():
    """A mistake in an argument is raised, not told of every photo."""
    for words, message in (
        (("none",), "`template` must be one of"),
        (("dlib", "first"), "`choose` must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            next(align_photos([("a", "nowhere.png")], *words))


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photo_that_exif_turns_is_as_upright(tmp_path, orientation):
    upright = images.read(SAMPLES / "eileen_collins.png")[:300, 60:380]
    exif = Image.Exif()
    exif[0x0112] = orientation
    # What a viewer does with 3, 6, 8 is a turn clockwise by 180, 90, 270.
    stored = np.rot90(upright, {3: 2, 6: 1, 8: 3}[orientation])
    path = tmp_path / "turned.png"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    (turned,), (alone,) = (
        faces_of("photo", photo, "sphereface", "largest", YUNET)
        for photo in (path, upright)
    )
    assert turned.face.turn == 0
    np.testing.assert_allclose(turned.face.landmarks, alone.face.landmarks)
    np.testing.assert_array_equal(turned.crop, alone.crop)


def test_crops_are_read_as_they_are():
    crop = np.arange(150 * 150 * 3, dtype=np.uint8).reshape(150, 150, 3)
    small = crop[:100]
    first, second = read_crops([("a", crop), ("b", small)], (150, 150))
    [one] = first.faces
    np.testing.assert_array_equal(one.crop, crop)
    assert one.photo == "a" and one.face is None
    assert isinstance(second.problem, ValueError)
    assert "'b'" in str(second.problem) and second.faces == []
