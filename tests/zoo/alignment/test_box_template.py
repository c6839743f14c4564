import numpy as np
import pytest
from PIL import Image

from keras_hypersphere.zoo.alignment.box_template import BoxTemplate
from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.templates import TEMPLATES
from keras_hypersphere.zoo.alignment.warp import align

FACENET = TEMPLATES["facenet"]


def face(*box):
    return Face(box, np.zeros((5, 2)), 1.0)


def smooth(height=120, width=140):
    y, x = np.mgrid[:height, :width]
    return np.stack(
        [127 + 120 * np.sin(x / 9), 127 + 120 * np.cos(y / 7), (x + y) / 2],
        axis=2,
    ).astype(np.uint8)


def by_slicing(image, box, margin=32, side=160):
    """What facenet's code does: a slice of the photo, resized by Pillow."""
    left, top, width, height = box
    x = int(max(left - margin / 2, 0))
    y = int(max(top - margin / 2, 0))
    right = int(min(left + width + margin / 2, image.shape[1]))
    bottom = int(min(top + height + margin / 2, image.shape[0]))
    part = Image.fromarray(image[y:bottom, x:right])
    return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    "box",
    [
        (40.0, 30.0, 50.0, 60.0),
        (41.7, 29.2, 48.9, 61.3),
        # At every edge of the photo, and beyond.
        (3.0, 5.0, 50.0, 60.0),
        (-6.0, -2.5, 50.0, 60.0),
        (80.0, 60.0, 55.0, 58.0),
        (0.0, 0.0, 140.0, 120.0),
    ],
)
def test_is_the_published_procedure(box):
    image = smooth()
    crop = align(image, face(*box), "facenet").astype(int)
    assert crop.shape == (160, 160, 3)
    # OpenCV rounds positions to 1/32 of a pixel, Pillow rounds twice.
    away = np.abs(crop - by_slicing(image, box))
    assert away[3:-3, 3:-3].max() <= 2
    # The outermost pixels reach over the edge of the box, where there is
    # photo; a slice repeats its own edge.
    assert away.max() <= 6


def test_a_large_face_is_averaged():
    """Pillow averages where a photo shrinks, and so does `antialias`."""
    image = np.repeat(np.repeat(smooth(), 6, 0), 6, 1)
    noise = np.random.default_rng(0).integers(-40, 41, image.shape)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    box = (100.0, 80.0, 500.0, 560.0)
    expected = by_slicing(image, box).astype(int)
    fine = align(image, face(*box), FACENET, antialias=True)
    plain = align(image, face(*box), FACENET)
    assert np.abs(fine - expected).mean() < 5
    assert np.abs(plain - expected).mean() > 10


def test_each_direction_shrinks_by_its_own_blocks():
    image = smooth(700, 500)
    tall = BoxTemplate(name="own", size=(50, 250), provenance="x", margin=0)
    crop = align(image, face(0, 0, 500, 700), tall, antialias=True)
    means = image.reshape(50, 14, 250, 2, 3).mean((1, 3))
    assert np.abs(crop - means).max() < 1.5


def test_a_box_of_the_size_of_the_crop_copies_the_photo():
    image = smooth()
    own = BoxTemplate(name="own", size=(30, 20), provenance="x", margin=4)
    crop = align(image, face(12, 22, 16, 26), own)
    np.testing.assert_array_equal(crop, image[20:50, 10:30])


def test_nothing_is_black_at_the_edge():
    white = np.full((50, 40, 3), 255, np.uint8)
    assert (align(white, face(0, 0, 40, 50), "facenet") == 255).all()
    assert (align(white, face(-20, 30, 40, 50), "facenet") == 255).all()


def test_points_are_too_little():
    with pytest.raises(ValueError, match=r"facenet is the box.*Pass a `Face`"):
        align(smooth(), TEMPLATES["dlib"].points, "facenet")
    assert FACENET.needs_box
    assert not any(
        template.needs_box
        for template in TEMPLATES.values()
        if template is not FACENET
    )


@pytest.mark.parametrize("box", [(500, 0, 20, 20), (-90, 5, 40, 40)])
def test_refuses_a_box_outside_the_photo(box):
    with pytest.raises(ValueError, match=r"must lie in the photo.*140 x 120"):
        align(smooth(), face(*box), "facenet")


def test_refuses_a_reflection_and_a_negative_margin():
    with pytest.raises(ValueError, match="facenet fits none"):
        align(smooth(), face(40, 30, 50, 60), "facenet", reflection=True)
    for margin in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="`margin` must be 0 or more"):
            BoxTemplate(name="own", size=(9, 9), provenance="x", margin=margin)
