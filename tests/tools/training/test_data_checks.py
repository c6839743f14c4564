import cv2
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.tools.training.data_checks import (
    check_batch,
    check_faces,
    check_labels,
)
from tests.tools.training.photos import crops, photos


@pytest.mark.parametrize("template", [*kh.zoo.alignment.TEMPLATES])
def test_nothing_is_told_of_good_crops(tmp_path, template):
    source = crops(tmp_path / "crops", template=template)
    size = kh.zoo.alignment.TEMPLATES[template].size
    told = check_faces(
        source, None, True, size, aligned=True, template=template
    )
    assert told == []


def test_one_person(tmp_path):
    source = crops(tmp_path / "crops")
    with pytest.raises(ValueError, match="has one person, 'Grace', to train"):
        check_faces(source, np.flatnonzero(source.labels == 1))


def test_people_with_one_photo(tmp_path):
    source = crops(tmp_path / "crops", (3, 1))
    assert check_faces(source) == []
    with pytest.raises(ValueError, match=r"1 of 2 people .* needs pairs"):
        check_faces(source, pairs_needed=True)
    (tmp_path / "crops" / "Zoe").mkdir()
    for number in range(2):
        path = tmp_path / "crops" / "Grace" / "0.png"
        (tmp_path / "crops" / "Zoe" / f"{number}.png").symlink_to(path)
    [told] = check_faces(
        kh.data.open_faces(tmp_path / "crops"), pairs_needed=True
    )
    assert told.startswith("1 of 3 people have one photo, which gives no pair")
    assert "Grace" in told


def test_photos_that_are_no_crops(tmp_path):
    source = kh.data.open_faces(photos(tmp_path / "people"))
    with pytest.raises(ValueError, match=r"Eileen/0.jpg.* it is no crop"):
        check_faces(source, aligned=True)


def resized(tmp_path, part):
    """Photos that were only made as small as crops: all of it, or a part."""
    source = tmp_path / "resized"
    for path in photos(tmp_path / "people").rglob("*.jpg"):
        image = cv2.imread(str(path))
        if part == "box":
            [face, *_] = kh.zoo.alignment.detect(image[..., ::-1])
            x, y, w, h = (max(0, int(v)) for v in face.box)
            image = image[y : y + h, x : x + w]
        place = source / path.parent.name / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        small = cv2.resize(image, (112, 112), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(place), small)
    return kh.data.open_faces(source)


@pytest.mark.parametrize("part", ["all", "box"])
def test_unaligned_crops(tmp_path, part):
    [told] = check_faces(resized(tmp_path, part), aligned=True)
    assert told.startswith("The crops are not aligned as the template arcface")


def test_crops_of_another_template(tmp_path):
    def large(crop):
        return cv2.resize(crop, (112, 112), interpolation=cv2.INTER_AREA)

    source = crops(tmp_path / "crops", template="lightcnn144", change=large)
    [told] = check_faces(source, aligned=True)
    assert "not aligned as the template arcface" in told


def test_crops_that_lie_on_their_side(tmp_path):
    source = crops(tmp_path / "crops", change=lambda crop: np.rot90(crop))
    [told] = check_faces(source, aligned=True)
    assert "No face was found" in told or "not aligned" in told


def test_bgr(tmp_path):
    """Red and blue changed places when the crops were written."""
    source = crops(tmp_path / "crops", change=lambda crop: crop[..., ::-1])
    [told] = check_faces(source)
    assert told.startswith("6 of 6 coloured photos have more blue than red")
    assert check_faces(source, channels="gray") == []


def test_gray_and_blank(tmp_path):
    def gray(crop):
        return np.repeat(crop.mean(2, keepdims=True).astype(np.uint8), 3, 2)

    source = crops(tmp_path / "crops", change=gray)
    [told] = check_faces(source)
    assert told.startswith("6 of 6 photos are gray")
    assert check_faces(source, channels="gray") == []
    path = tmp_path / "crops" / "Grace" / "2.png"
    cv2.imwrite(str(path), np.full((112, 112, 3), 7, np.uint8))
    [told] = check_faces(source, channels="gray")
    assert told.startswith("1 of 6 photos are blank")


def test_a_damaged_photo(tmp_path):
    source = crops(tmp_path / "crops")
    path = tmp_path / "crops" / "Grace" / "2.png"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"Grace/2.png.* cannot be decoded"):
        check_faces(source)


def test_nan():
    x = np.zeros((3, 4, 4, 3), "float32")
    assert check_batch(x, [0, 1, 2], 3) == []
    x[1, 2, 2, 0] = np.nan
    with pytest.raises(ValueError, match=r"1 of 3 images .* being image 1"):
        check_batch(x, [0, 1, 2], 3)
    [told] = check_batch(np.full((2, 4, 4, 3), 255.0), [0, 1], 3)
    assert "networks expect about -1 to 1" in told


@pytest.mark.parametrize(
    "labels",
    [[0, 3], [-1, 0], [0.5, 1], [np.nan, 1], [2**32, 1]],
)
def test_labels_that_no_shard_knows(labels):
    """InsightFace's loss of 69.0776 is -ln(1e-30)."""
    assert abs(-np.log(1e-30) - 69.0776) < 1e-4
    with pytest.raises(ValueError, match=r"1 of 2 labels, .* stay at 69.08"):
        check_labels(labels, 3)
    check_labels(np.array([[0], [2]]), 3)
    with pytest.raises(ValueError, match=r"`labels` must be \(N,\)"):
        check_labels(np.eye(3), 3)
