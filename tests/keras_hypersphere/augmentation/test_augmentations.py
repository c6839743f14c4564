"""Each augmentation next to its statement, drawn thousands of times."""

import math

import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere import augmentation as a

IMAGE = np.random.default_rng(0).integers(1, 256, (112, 112, 3), np.uint8)
EVERY = [
    a.Mirror(),
    a.PastedCrop(),
    a.LowResolution(),
    a.ColorJitter(),
    a.HueSaturation(),
    a.Gray(),
    a.Blur(),
    a.Turn(),
    a.Erasing(),
]


def drawn(change, count, image=IMAGE):
    draw = np.random.default_rng(1)
    return [change(image, draw) for _ in range(count)]


def near(share, wanted, count):
    """Within four deviations of a binomial."""
    return abs(share - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / count)


@pytest.mark.parametrize("change", EVERY, ids=lambda c: type(c).__name__)
def test_probability_and_shape(change):
    small = IMAGE[:24, :20]
    before = small.copy()
    results = drawn(change, 4000, small)
    changed = [not np.array_equal(image, small) for image in results]
    # A resized or turned photo may stay as it is, but hardly ever.
    assert near(np.mean(changed), change.probability, 4000), np.mean(changed)
    assert all(i.shape == small.shape and i.dtype == np.uint8 for i in results)
    np.testing.assert_array_equal(small, before)


@pytest.mark.parametrize("change", EVERY, ids=lambda c: type(c).__name__)
def test_the_same_draws_give_the_same_image(change):
    one, other = drawn(change, 50), drawn(change, 50)
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_crop_is_pasted_at_its_place_on_black():
    areas, ratios, tops = [], [], []
    for image in drawn(a.PastedCrop(1.0), 3000):
        kept = image.any(axis=2)
        rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
        place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        # Not resized, not moved; the rest is black.
        np.testing.assert_array_equal(image[place], IMAGE[place])
        assert kept.sum() == len(rows) * len(columns)
        areas.append(kept.sum() / kept.size)
        ratios.append(len(columns) / len(rows))
        tops.append(rows[0] / max(1, 112 - len(rows)))
    assert 0.19 < min(areas) < 0.22 and max(areas) > 0.97
    assert 0.73 < min(ratios) < 0.78 and 1.28 < max(ratios) < 1.36
    assert abs(np.mean(tops) - 0.5) < 0.03
    # Areas above .75 fit only some shapes: the rest is uniform.
    below = np.array(areas)[np.array(areas) < 0.7]
    assert abs(np.mean(below < 0.45) - 0.5) < 0.04


def test_low_resolution_is_between_its_ratios(monkeypatch):
    import cv2

    sizes, ways = [], []
    own = cv2.resize

    def seen(image, size, interpolation):
        sizes.append(size)
        ways.append(interpolation)
        return own(image, size, interpolation=interpolation)

    monkeypatch.setattr(cv2, "resize", seen)
    drawn(a.LowResolution(1.0), 2000)
    small, large = sizes[0::2], sizes[1::2]
    assert set(large) == {(112, 112)}
    sides = np.array([width for width, height in small if width == height])
    assert len(sides) == 2000
    assert sides.min() == int(0.2 * 112) and sides.max() >= 110
    # Uniform: the mean of int(112 U(.2, 1)).
    assert abs(sides.mean() - (112 * 0.6 - 0.5)) < 4 * 25.9 / math.sqrt(2000)
    for used in (ways[0::2], ways[1::2]):
        counts = np.bincount(used, minlength=5)
        assert (abs(counts - 400) < 4 * math.sqrt(2000 * 0.2 * 0.8)).all()


def test_jitter_of_each_kind():
    gray = np.full((4, 4, 3), 100, np.uint8)
    light = [
        int(i[0, 0, 0])
        for i in drawn(a.ColorJitter(1.0, 0.5, 0, 0), 3000, gray)
    ]
    assert min(light) in range(50, 53) and max(light) in range(148, 151)
    assert abs(np.mean(light) - 100) < 4 * 28.9 / math.sqrt(3000)
    # Contrast keeps the mean, saturation the gray.
    halves = np.full((4, 4, 3), 100, np.uint8)
    halves[:2] = 140
    for image in drawn(a.ColorJitter(1.0, 0, 0.5, 0), 300, halves):
        low, high = int(image[3, 0, 0]), int(image[0, 0, 0])
        assert abs((low + high) / 2 - 120) <= 1 and 19 <= high - low <= 61
    red = np.zeros((4, 4, 3), np.uint8)
    red[:] = (120, 60, 60)
    luma = 0.299 * 120 + 0.701 * 60
    for image in drawn(a.ColorJitter(1.0, 0, 0, 0.5), 300, red):
        r, g, b = map(float, image[0, 0])
        assert g == b and abs(0.299 * r + 0.701 * g - luma) < 1.1
        assert 29 <= r - g <= 91
    np.testing.assert_array_equal(
        drawn(a.ColorJitter(1.0, 0, 0, 0), 1)[0], IMAGE
    )


def test_hue_keeps_luma_and_gray():
    colour = np.zeros((1, 1, 3), np.uint8)
    colour[:] = (150, 110, 90)
    luma = np.array([0.299, 0.587, 0.114])
    wanted = colour[0, 0] @ luma
    angles = []
    for image in drawn(a.HueSaturation(1.0), 2000, colour):
        assert abs(image[0, 0] @ luma - wanted) < 1.2
        i = image[0, 0] @ np.array([0.596, -0.274, -0.322])
        q = image[0, 0] @ np.array([0.211, -0.523, 0.312])
        angles.append(math.degrees(math.atan2(q, i)))
    i, q = (
        150 * 0.596 - 110 * 0.274 - 90 * 0.322,
        150 * 0.211 - 110 * 0.523 + 90 * 0.312,
    )
    turned = math.degrees(math.atan2(q, i)) - np.array(angles)
    assert -2.5 < turned.min() < 2.5 and 17.5 < turned.max() < 22.5
    assert abs(turned.mean() - 10) < 0.8
    # Red turns to yellow: green grows.
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 200
    [turned] = drawn(a.HueSaturation(1.0, (20, 20), (1, 1)), 1, red)
    assert turned[0, 0, 1] > 20 and turned[0, 0, 2] == 0
    gray = np.full((2, 2, 3), 77, np.uint8)
    assert all((i == 77).all() for i in drawn(a.HueSaturation(1.0), 50, gray))


def test_gray_is_the_luma():
    image = a.Gray(1.0)(IMAGE, np.random.default_rng(0))
    wanted = IMAGE @ np.array([0.299, 0.587, 0.114])
    assert np.abs(image - wanted[..., None]).max() < 0.51


def test_blur_is_gaussian():
    """Loops, in float64."""
    window, n = 5, 20
    image = a.Blur(1.0, (window,))(IMAGE[:n, :n], np.random.default_rng(0))
    # OpenCV has binomial weights for a window of 5.
    k = np.array([1, 4, 6, 4, 1]) / 16
    for row in range(2, n - 2):
        for column in range(2, n - 2):
            part = IMAGE[row - 2 : row + 3, column - 2 : column + 3, 0]
            wanted = k @ part.astype(np.float64) @ k
            assert abs(image[row, column, 0] - wanted) <= 1


def test_a_turn_is_about_the_middle():
    dot = np.zeros((113, 113, 3), np.uint8)
    dot[55:58, 95:98] = 255
    angles, radii = [], []
    for image in drawn(a.Turn(1.0), 1500, dot):
        y, x = np.nonzero(image[..., 0] > 100)
        y, x = y.mean() - 56, x.mean() - 56
        angles.append(math.degrees(math.atan2(-y, x)))
        radii.append(math.hypot(x, y) / 40)
    assert -20.8 < min(angles) < -19 and 19 < max(angles) < 20.8
    assert 0.77 < min(radii) < 0.83 and 1.17 < max(radii) < 1.23
    assert abs(np.mean(angles)) < 4 * 11.6 / math.sqrt(1500)


def test_erasing_leaves_the_rest():
    shares = []
    for image in drawn(a.Erasing(1.0), 1500):
        gone = ~image.any(axis=2)
        np.testing.assert_array_equal(image[~gone], IMAGE[~gone])
        rows, columns = gone.any(1).sum(), gone.any(0).sum()
        assert gone.sum() == rows * columns
        assert 0.28 < columns / rows < 3.5
        shares.append(gone.mean())
    assert 0.015 < min(shares) < 0.03 and 0.3 < max(shares) < 0.34


def test_one_of():
    kinds = (a.Mirror(1.0), a.Gray(1.0), a.Erasing(1.0))
    results = drawn(a.OneOf(0.6, kinds), 3000, IMAGE[:12, :12])
    first = [kind(IMAGE[:12, :12], np.random.default_rng(0)) for kind in kinds]
    same = [sum(np.array_equal(r, f) for r in results) for f in first[:2]]
    assert near(same[0] / 3000, 0.2, 3000) and near(same[1] / 3000, 0.2, 3000)
    untouched = sum(np.array_equal(r, IMAGE[:12, :12]) for r in results)
    assert near(untouched / 3000, 0.4, 3000)


@pytest.mark.parametrize("name", ["insightface", "mirror"])
def test_insightface_mirrors_half_and_nothing_else(name):
    results = drawn(kh.augmentation.get(name), 4000, IMAGE[:9, :8])
    mirrored = [np.array_equal(r, IMAGE[:9, 7::-1][:, :8]) for r in results]
    same = [np.array_equal(r, IMAGE[:9, :8]) for r in results]
    assert all(m or s for m, s in zip(mirrored, same, strict=True))
    assert near(np.mean(mirrored), 0.5, 4000)


@pytest.mark.parametrize(
    ("name", "untouched"),
    [
        ("insightface-dali", 0.9 * 0.8**3 * 0.5),
        ("adaface", 0.8**3 * 0.5),
        ("gridsample", 0.8**3 * 0.5),
        ("topofr", 0.8 * 0.5),
    ],
)
def test_sets_leave_as_many_untouched_as_their_parts(name, untouched):
    small = IMAGE[:24, :20]
    results = drawn(kh.augmentation.get(name), 4000, small)
    same = np.mean([np.array_equal(r, small) for r in results])
    assert near(same, untouched, 4000), same


def test_names():
    assert kh.augmentation.get("none") is kh.augmentation.get(None) is None
    for name in kh.augmentation.list():
        kh.augmentation.get(name)
    own = len
    assert kh.augmentation.get(own) is own
    for wrong in ("MIRROR", 3):
        with pytest.raises(ValueError, match="must be one of none, mirror"):
            kh.augmentation.get(wrong)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_a_probability(wrong):
    with pytest.raises(ValueError, match="`probability` must be 0 to 1"):
        a.Mirror(wrong)


def test_windows_are_odd():
    with pytest.raises(ValueError, match="`windows` must be odd"):
        a.Blur(windows=(4,))
    with pytest.raises(ValueError, match="`augmentations` must hold"):
        a.OneOf()
