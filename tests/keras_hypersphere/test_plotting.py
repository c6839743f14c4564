import subprocess
import sys

import numpy as np
import pytest

from keras_hypersphere import plotting

RNG = np.random.default_rng(0)


def clouds(dimensions, classes=4, each=30):
    labels = np.repeat(np.arange(classes), each)
    centers = RNG.normal(size=(classes, dimensions))
    x = centers[labels] + RNG.normal(0, 0.1, (len(labels), dimensions))
    return x, labels


def points(axes):
    return [np.ma.getdata(c.get_offsets()) for c in axes.collections]


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("normalize", [True, False])
def test_sphere_draws_every_class(tmp_path, dimensions, normalize):
    x, labels = clouds(dimensions)
    figure = plotting.sphere(x, labels, normalize=normalize, title="t")
    (axes,) = figure.axes
    assert len(axes.collections) == 4
    assert axes.get_title() == "t"
    texts = [t.get_text() for t in axes.get_legend().get_texts()]
    assert texts == ["0", "1", "2", "3"]
    # One name at the tip of each class's direction.
    assert [t.get_text() for t in axes.texts] == texts
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


def test_points_and_directions_are_where_they_should_be():
    x = np.array([[3.0, 4.0], [6.0, 8.0], [0.0, -2.0]])
    labels = ["a", "a", "b"]
    (axes,) = plotting.sphere(x, labels).axes
    np.testing.assert_allclose(points(axes)[0], [[0.6, 0.8]] * 2)
    np.testing.assert_allclose(points(axes)[1], [[0.0, -1.0]])
    rays = [line.get_xydata()[-1] for line in axes.lines[1:]]
    np.testing.assert_allclose(rays, [[0.6, 0.8], [0.0, -1.0]], atol=1e-12)
    (axes,) = plotting.sphere(x, labels, normalize=False).axes
    np.testing.assert_allclose(points(axes)[0], x[:2])


def test_options():
    x, labels = clouds(2)
    names = ["zero", "one", "two", "three"]
    (axes,) = plotting.sphere(x, labels, class_names=names).axes
    assert axes.texts[1].get_text() == "one"
    figure = plotting.sphere(x, labels, centers=False, legend=False)
    assert not figure.axes[0].texts and figure.axes[0].get_legend() is None
    again = plotting.sphere(x, labels, axes=figure.axes[0])
    assert again is figure
    many, of = clouds(3, classes=25, each=3)
    colors = plotting.sphere(many, of).axes[0].collections
    assert len({tuple(c.get_facecolor()[0][:3]) for c in colors}) == 25


def test_zero_vectors_are_drawn_at_the_origin():
    (axes,) = plotting.sphere(np.zeros((3, 2)), [0, 0, 1]).axes
    assert not points(axes)[0].any()


@pytest.mark.parametrize(
    ("x", "labels", "arguments", "message"),
    [
        (np.ones((3, 4)), [0, 1, 2], {}, r"\(N, 2\) or \(N, 3\)"),
        (np.ones(3), [0, 1, 2], {}, "must be a matrix"),
        (np.ones((3, 2)), [0, 1], {}, "each of the 3"),
        (np.full((1, 2), np.nan), [0], {}, "must be finite"),
        (np.ones((1, 2)), [3], {"class_names": ["a"]}, "`class_names`"),
    ],
)
def test_errors(x, labels, arguments, message):
    with pytest.raises(ValueError, match=message):
        plotting.sphere(x, labels, **arguments)


def test_axes_must_have_the_dimensions():
    flat = plotting.sphere(*clouds(2)).axes[0]
    with pytest.raises(ValueError, match="must have 3 dimensions"):
        plotting.sphere(*clouds(3), axes=flat)


def test_pair_angles_equal_loops():
    x, labels = clouds(5, classes=3, each=4)
    same, different = plotting.pair_angles(x, labels, pairs=10**6, seed=0)
    found = {True: [], False: []}
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            cosine = x[i] @ x[j] / np.sqrt((x[i] @ x[i]) * (x[j] @ x[j]))
            found[labels[i] == labels[j]].append(np.degrees(np.arccos(cosine)))
    np.testing.assert_allclose(np.sort(same), np.sort(found[True]))
    np.testing.assert_allclose(np.sort(different), np.sort(found[False]))


def test_random_pairs_are_of_both_kinds_and_never_of_oneself():
    labels = np.repeat(np.arange(50), 4)
    x = RNG.normal(size=(200, 8))
    same, different = plotting.pair_angles(x, labels, pairs=5000, seed=0)
    assert len(same) == len(different) == 5000
    # Random directions: no pair is closer than a few degrees but oneself.
    assert same.min() > 1.0
    everything = plotting.pair_angles(x, labels, pairs=10**6, seed=0)
    assert abs(same.mean() - everything[0].mean()) < 1.5
    assert abs(different.mean() - everything[1].mean()) < 1.5


def test_angle_histogram():
    x, labels = clouds(8)
    figure = plotting.angle_histogram(x, labels, bins=36, title="angles")
    (axes,) = figure.axes
    assert len(axes.patches) == 72
    areas = [
        sum(p.get_height() * p.get_width() for p in axes.patches[i : i + 36])
        for i in (0, 36)
    ]
    np.testing.assert_allclose(areas, 1)
    with pytest.raises(ValueError, match="pairs of both kinds"):
        plotting.angle_histogram(x, np.zeros(len(x)))
    with pytest.raises(ValueError, match="pairs of both kinds"):
        plotting.angle_histogram(x, np.arange(len(x)))


def test_matplotlib_waits_until_it_is_needed():
    script = (
        "import sys; from keras_hypersphere import plotting; "
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
