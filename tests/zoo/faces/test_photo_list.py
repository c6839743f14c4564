import io
import itertools

import numpy as np
import pytest

from keras_hypersphere.zoo.faces.photo_list import (
    is_single,
    iterate_photos,
    name_photos,
)

PIXELS = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
    for name in ("b.jpg", "a.png"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_places_and_paths(folder):
    url, file = "data:image/png;base64,AAAA", io.BytesIO(b"x")
    photos = [PIXELS, "c.jpg", folder, None, b"x", "", url, file]
    named, count = iterate_photos(photos)
    assert count == 9
    assert [name for name, _ in named] == [
        "photo 0 of the list",
        "c.jpg",
        str(folder / "a.png"),
        str(folder / "b.jpg"),
        *(f"photo {place} of the list" for place in range(3, 8)),
    ]
    assert [name for name, _ in name_photos(np.array(["a", "b"]))] == ["a", "b"]
    assert [name for name, _ in name_photos(np.zeros((2, 4, 4, 3)))] == [
        "photo 0 of the list",
        "photo 1 of the list",
    ]


@pytest.mark.parametrize(
    "photo",
    ["a.jpg", "", PIXELS, PIXELS[0, 0], b"x", io.BytesIO(b"x"), "data:,x"],
    ids=lambda photo: type(photo).__name__,
)
def test_one_photo(photo):
    assert is_single(photo)
    named, count = iterate_photos(photo)
    ((name, given),) = named
    assert count == 1
    assert given is photo
    assert name == ("a.jpg" if str(photo) == "a.jpg" else "the photo")


def test_the_empty_name_is_not_the_current_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert name_photos("") == [("the photo", "")]
    assert name_photos([""]) == [("photo 0 of the list", "")]
    assert [name for name, _ in name_photos(".")] == ["a.png", "b.jpg"]


def test_generators_are_asked_when_a_photo_is_wanted(folder):
    """Endless, as the frames of a camera."""
    asked = []

    def frames():
        for number in itertools.count():
            asked.append(number)
            yield folder if number == 1 else PIXELS

    named, count = iterate_photos(frames())
    assert count is None and not asked
    assert [name for name, _ in itertools.islice(named, 4)] == [
        "photo 0 of the stream",
        str(folder / "a.png"),
        str(folder / "b.jpg"),
        "photo 2 of the stream",
    ]
    assert asked == [0, 1, 2]
    assert not is_single(frames())


@pytest.mark.parametrize("photos", [5, None, {"a": "a.jpg"}])
def test_refuses_other_things(photos):
    with pytest.raises(ValueError, match=r"`photos` must be .* of type \w+$"):
        iterate_photos(photos)


def test_a_folder_without_pictures(tmp_path):
    with pytest.raises(ValueError, match="has no pictures"):
        iterate_photos(tmp_path)
    with pytest.raises(ValueError, match="has no pictures"):
        iterate_photos(["a.jpg", tmp_path])
