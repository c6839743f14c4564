import numpy as np
import pytest

from keras_hypersphere.zoo.alignment.points_template import PointsTemplate
from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.templates import TEMPLATES, get_template

FITTED = [t for t in TEMPLATES.values() if isinstance(t, PointsTemplate)]


def own(points=((1, 2), (3, 4)), size=(5, 6)):
    return PointsTemplate(
        name="own", size=size, provenance="test", points=points
    )


@pytest.mark.parametrize(
    ("name", "size", "left_eye"),
    [
        ("dlib", (150, 150), (47.549, 46.599)),
        # Matlab's (30.2946, 51.6963) counts from 1.
        ("sphereface", (112, 96), (29.2946, 50.6963)),
        # SphereFace's numbers plus 8 in x, taken as 0-based by its authors.
        ("arcface", (112, 112), (38.2946, 51.6963)),
    ],
)
def test_published_numbers(name, size, left_eye):
    template = TEMPLATES[name]
    assert template.size == size
    np.testing.assert_allclose(template.points[0], left_eye, atol=1e-9)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_says_what_it_is(name):
    template = TEMPLATES[name]
    assert template.name == name
    assert len(template.provenance) > 20
    assert get_template(name) is template


@pytest.mark.parametrize("template", FITTED, ids=lambda t: t.name)
def test_points_are_a_face_inside_the_crop(template):
    left, right, nose, mouth_left, mouth_right = template.points
    assert left[0] < nose[0] < right[0] and mouth_left[0] < mouth_right[0]
    assert left[1] < nose[1] < mouth_left[1]
    height, width = template.size
    assert (template.points > 0).all()
    assert (template.points < (width - 1, height - 1)).all()


def test_templates_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        TEMPLATES["dlib"].points[0, 0] = 1.0
    with pytest.raises(TypeError):
        TEMPLATES["new"] = TEMPLATES["dlib"]


def test_get_template():
    template = own()
    assert get_template(template) is template
    names = "dlib, sphereface, arcface, lightcnn, lightcnn144, facenet"
    with pytest.raises(ValueError, match=rf"{names}.*'nose'"):
        get_template("nose")


@pytest.mark.parametrize(
    ("points", "size", "message"),
    [
        ([(1, 2)], (5, 6), "two points or more"),
        ([(1, 2, 3), (1, 2, 3)], (5, 6), "two points or more"),
        ([(1, np.nan), (3, 4)], (5, 6), "finite"),
        ([(1, 2), (3, 4)], (5, 0), "two positive integers"),
        ([(1, 2), (3, 4)], (5.0, 6.0), "two positive integers"),
    ],
)
def test_refuses_what_is_no_template(points, size, message):
    with pytest.raises(ValueError, match=message):
        own(points, size)


def test_a_template_must_say_how_it_transforms():
    with pytest.raises(TypeError, match="abstract"):
        Template(name="own", size=(5, 6), provenance="test")
