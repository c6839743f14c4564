import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from keras_hypersphere.zoo.alignment.points_template import PointsTemplate
from keras_hypersphere.zoo.alignment.similarity import similarity_transform
from keras_hypersphere.zoo.alignment.templates import TEMPLATES

FITTED = [n for n, t in TEMPLATES.items() if isinstance(t, PointsTemplate)]


def by_lstsq(source, target):
    """u = a x - b y + s, v = b x + a y + t, solved as ten equations."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        values += [u, v]
    (a, b, s, t), *_ = np.linalg.lstsq(np.array(rows), values, rcond=None)
    return np.array([[a, -b, s], [b, a, t]])


def by_umeyama(source, target):
    """Umeyama 1991: the singular values of the covariance."""
    sm, tm = source.mean(0), target.mean(0)
    s, t = source - sm, target - tm
    u, d, vt = np.linalg.svd(t.T @ s / len(s))
    sign = np.ones(2)
    if np.linalg.det(u @ vt) < 0:
        sign[1] = -1
    rotation = u @ np.diag(sign) @ vt
    scale = (d * sign).sum() / (s**2).sum() * len(s)
    shift = tm - scale * rotation @ sm
    return np.column_stack([scale * rotation, shift])


def residual(matrix, source, target):
    moved = source @ matrix[:, :2].T + matrix[:, 2]
    return ((moved - target) ** 2).sum()


@pytest.mark.parametrize("template", FITTED)
@pytest.mark.parametrize("solve", [by_lstsq, by_umeyama])
def test_equals_independent_solvers(template, solve):
    generator = np.random.default_rng(0)
    target = TEMPLATES[template].points
    for _ in range(50):
        angle = generator.uniform(-1.0, 1.0)
        turn = np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        source = target @ turn * generator.uniform(0.2, 5)
        source += generator.uniform(0, 2000, 2) + generator.normal(0, 5, (5, 2))
        np.testing.assert_allclose(
            similarity_transform(source, template),
            solve(source, target),
            atol=1e-6,
            rtol=1e-9,
        )


def test_finds_an_exact_similarity():
    target = TEMPLATES["dlib"].points
    matrix = np.array([[0.6, -0.8, 3.0], [0.8, 0.6, -7.0]])
    source = (target - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    np.testing.assert_allclose(
        similarity_transform(source, "dlib"), matrix, atol=1e-9
    )


def test_reflection_is_found_only_on_request():
    target = TEMPLATES["sphereface"].points
    mirrored = target * (-1, 1) + (100, 0)
    plain = similarity_transform(mirrored, target)
    assert np.linalg.det(plain[:, :2]) > 0
    assert residual(plain, mirrored, target) > 1
    better = similarity_transform(mirrored, target, reflection=True)
    np.testing.assert_allclose(better, [[-1, 0, 100], [0, 1, 0]], atol=1e-9)


def test_reflection_by_an_independent_solver():
    generator = np.random.default_rng(1)
    target = TEMPLATES["arcface"].points
    for _ in range(20):
        source = generator.uniform(0, 100, (5, 2))
        proper = by_lstsq(source, target)
        improper = by_lstsq(source * (1, -1), target) * (1, -1, 1)
        best = min(
            (proper, improper), key=lambda m: residual(m, source, target)
        )
        np.testing.assert_allclose(
            similarity_transform(source, target, reflection=True),
            best,
            atol=1e-6,
        )


def test_a_proper_fit_is_kept_where_it_is_the_better():
    target = TEMPLATES["dlib"].points
    np.testing.assert_allclose(
        similarity_transform(target * 2, target, reflection=True),
        [[0.5, 0, 0], [0, 0.5, 0]],
        atol=1e-9,
    )


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((5, 2)), "all the same"),
        (np.full((5, 2), 1234.567), "all the same"),
        (np.full((5, 2), np.nan), "must be finite"),
        (np.full((5, 2), np.inf), "must be finite"),
        (np.zeros((4, 2)), r"shape \(4, 2\)"),
        (np.zeros((5, 3)), r"shape \(5, 3\)"),
        (np.zeros(10), r"shape \(10,\)"),
        ([(1, 2), (3,)], r"`points` must be positions .*=\[\(1, 2\), \(3,"),
        ("eyes", "`points` must be positions"),
        (None, r"shape \(\)|must be"),
    ],
)
def test_refuses_what_no_similarity_fits(points, message):
    with pytest.raises(ValueError, match=message):
        similarity_transform(points, "dlib")


def test_target_positions_may_be_a_list():
    target = TEMPLATES["dlib"].points
    source = (target * 3 + 1).tolist()
    np.testing.assert_array_equal(
        similarity_transform(source, target.tolist()),
        similarity_transform(np.array(source), target),
    )


@pytest.mark.parametrize(
    "template", [None, [(1, 2), (3,)], [["a", "b"]], [1, 2], [(1, np.nan)] * 5]
)
def test_refuses_what_is_no_target(template):
    with pytest.raises(ValueError, match=r"`template` must be .*positions"):
        similarity_transform(TEMPLATES["dlib"].points, template)


def test_points_on_a_line_fit():
    source = np.column_stack([np.arange(5.0), np.zeros(5)])
    target = source * 3 + 1
    np.testing.assert_allclose(
        similarity_transform(source, target),
        [[3, 0, 1], [0, 3, 1]],
        atol=1e-9,
    )


@pytest.mark.parametrize("template", FITTED)
def test_equals_scipys_rotation_and_scale(template):
    """SciPy aligns the centered points; scale and shift follow."""
    target = TEMPLATES[template].points
    turned = 1.7 * target @ [[0.8, -0.6], [0.6, 0.8]]
    source = turned + np.random.default_rng(2).normal(20, 6, (5, 2))
    s, t = source - source.mean(0), target - target.mean(0)
    flat = np.zeros((5, 1))
    rotation, _ = Rotation.align_vectors(
        np.hstack([t, flat]), np.hstack([s, flat])
    )
    turn = rotation.as_matrix()[:2, :2]
    # Three dimensions could turn the plane over.
    assert np.linalg.det(turn) > 0
    scale = (t * (s @ turn.T)).sum() / (s**2).sum()
    shift = target.mean(0) - scale * turn @ source.mean(0)
    np.testing.assert_allclose(
        similarity_transform(source, template),
        np.column_stack([scale * turn, shift]),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "target", [np.full((5, 2), np.nan), np.zeros(10), np.zeros((5, 3))]
)
def test_refuses_targets_that_are_none(target):
    with pytest.raises(ValueError, match=r"`template` must|`points` must"):
        similarity_transform(np.zeros((5, 2)), target)


def test_a_box_is_no_similarity():
    points = TEMPLATES["dlib"].points
    with pytest.raises(ValueError, match=r"facenet is the box.*Pass a `Face`"):
        similarity_transform(points, "facenet")
