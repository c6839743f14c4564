import math

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.arc_face import ArcFace
from keras_hypersphere.layers.sub_center_arc_face import SubCenterArcFace
from keras_hypersphere.models.watch import Watch
from keras_hypersphere.testing.gradients import array
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    RNG,
    X,
    check_exact,
    check_finite,
    cosine,
    made,
    output,
)

CENTERS = RNG.normal(size=(4, 15)).astype("float32")


def best(x, w, i, j):
    """Largest cosine to the three centers of a class, and which."""
    found = [cosine(x[i], np.asarray(w)[:, 3 * j + k]) for k in range(3)]
    return max(found), int(np.argmax(found))


def statement(x, w, scale=2.0, margin=0.5):
    out = np.zeros((6, 5))
    for i, j in np.ndindex(out.shape):
        value, _ = best(x, w, i, j)
        if j == LABELS[i]:
            turned = math.cos(math.acos(value) + margin)
            falls = value > math.cos(math.pi - margin)
            value = turned if falls else value - margin * math.sin(margin)
        out[i, j] = scale * value
    return out


def test_equals_the_formula_and_its_derivatives():
    check_exact(
        made(SubCenterArcFace, CENTERS, scale=2.0), statement, w=CENTERS
    )


def test_the_largest_counts_outside_of_training_too():
    head = made(SubCenterArcFace, CENTERS, scale=2.0)
    plain = statement(X, CENTERS, margin=0.0)
    for arguments in ({}, {"labels": LABELS, "training": False}):
        np.testing.assert_allclose(
            array(head(X, **arguments)), plain, atol=1e-5
        )
    wanted = [best(X, CENTERS, i, y)[1] for i, y in enumerate(LABELS)]
    assert array(head.nearest(X, LABELS)).tolist() == wanted
    assert len(set(wanted)) > 1


def test_one_center_is_arc_face():
    head = made(SubCenterArcFace, CENTERS[:, :5], subcenters=1)
    np.testing.assert_allclose(
        output(head), output(made(ArcFace, CENTERS[:, :5])), rtol=1e-6
    )


def test_columns_of_classes_bring_all_their_centers():
    head = made(SubCenterArcFace, CENTERS)
    some = ops.convert_to_tensor([4, 1], dtype="int32")
    assert array(head.class_weights(some)).shape == (4, 6)
    np.testing.assert_array_equal(
        array(head.class_weights(some))[:, :3], CENTERS[:, 12:]
    )
    x = ops.convert_to_tensor(X)
    labels = ops.convert_to_tensor(LABELS, dtype="int32")
    np.testing.assert_allclose(
        array(head.margin_logits(x, labels, classes=some)),
        array(head.margin_logits(x, labels))[:, [4, 1]],
        rtol=1e-5,
    )


def test_the_target_angle_is_that_of_the_nearest_center():
    head = made(SubCenterArcFace, CENTERS)
    found = Watch([head]).samples(ops.convert_to_tensor(X), LABELS)
    wanted = [
        math.degrees(math.acos(best(X, CENTERS, i, y)[0]))
        for i, y in enumerate(LABELS)
    ]
    np.testing.assert_allclose(array(found["target_angle"]), wanted, rtol=1e-4)


@pytest.mark.parametrize("gradient", ["exact", "straight-through"])
def test_finite_at_the_ends(gradient):
    """Also where all centers of a class are one, a tie."""
    head = made(SubCenterArcFace, CENTERS, gradient=gradient)
    check_finite(head, w=CENTERS)
    alike = np.repeat(CENTERS[:, :5], 3, axis=1)
    check_finite(made(SubCenterArcFace, alike, gradient=gradient), w=alike)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"subcenters": 0}, "`subcenters` must be an integer, at least 1"),
        ({"margin": 4.0}, "`margin` must be an angle"),
        ({"gradient": "caffe"}, "`gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        SubCenterArcFace(5, **arguments)
