"""SSD's Normalize and PriorBox, against loops and OpenCV."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((2, 5, 3, 4), np.float32)


def normalize(settings):
    return (
        'layer { name: "n" type: "Normalize" bottom: "x" top: "y" '
        f"norm_param {{ {settings} }} }}"
    )


@pytest.mark.parametrize("spatial", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_normalize(spatial, shared, net, opencv):
    factors = RANDOM.uniform(10, 20, () if shared else 5).astype(np.float32)
    text = normalize(
        f"across_spatial: {spatial} channel_shared: {shared} eps: 0.01".lower()
    )
    made = net(text, weights={"n": [factors]}, x=X)["y"]
    axes = (1, 2, 3) if spatial else 1
    norm = np.sqrt((X.astype(float) ** 2).sum(axes, keepdims=True) + 0.01)
    expected = X / norm * (factors if shared else factors[:, None, None])
    np.testing.assert_allclose(made, expected, rtol=2e-6, atol=1e-6)
    if not shared and not spatial:
        # OpenCV knows no other way.
        oracle = opencv({"x": X})
        np.testing.assert_allclose(made, oracle, rtol=1e-5, atol=1e-5)


def test_fillers_and_defaults_of_normalize(net):
    """Without a model, a factor of 1, over the norm of a sample."""
    norm = np.sqrt((X**2).sum((1, 2, 3), keepdims=True))
    made = net(normalize(""), x=X)["y"]
    np.testing.assert_allclose(made, X / norm, rtol=1e-5)
    twenty = "scale_filler { value: 20 } channel_shared: false"
    made = net(normalize(twenty), x=X)["y"]
    np.testing.assert_allclose(made, 20 * X / norm, rtol=1e-5)
    # A blob in the model tells SSD's layer with no settings from NormFace's.
    plain = 'layer { name: "n" type: "Normalize" bottom: "x" top: "y" }'
    made = net(plain, weights={"n": [np.float32(3)]}, x=X)["y"]
    np.testing.assert_allclose(made, 3 * X / norm, rtol=1e-5)
    made = net(plain, x=X)["y"]
    norm = np.sqrt((X**2).sum(1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(made, X / norm, rtol=1e-5)


IMAGE = np.zeros((1, 3, 300, 200), np.float32)


def priors(settings):
    return (
        'layer { name: "p" type: "PriorBox" bottom: "x" bottom: "image" '
        f'top: "y" prior_box_param {{ {settings} }} }}'
    )


def boxes(cells, image, step, offset, sides, clip=False):
    """Corners of all boxes, row by row."""
    made = []
    for row in range(cells[0]):
        for column in range(cells[1]):
            y, x = (row + offset) * step[0], (column + offset) * step[1]
            for width, height in sides:
                made += [
                    (x - width / 2) / image[1],
                    (y - height / 2) / image[0],
                    (x + width / 2) / image[1],
                    (y + height / 2) / image[0],
                ]
    return np.clip(made, 0, 1) if clip else np.array(made)


ROOT2, ROOT3 = np.sqrt(2), np.sqrt(3)
PLAIN = [(30, 30), (np.sqrt(1800),) * 2, (30 * ROOT2, 30 / ROOT2)]
CASES = {
    "as in SSD": (
        "min_size: 30 max_size: 60 aspect_ratio: 2 flip: true clip: false "
        "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 step: 8 "
        "offset: 0.5",
        ((300, 200), (8, 8), 0.5, [*PLAIN, (30 / ROOT2, 30 * ROOT2)]),
        [0.1, 0.1, 0.2, 0.2],
    ),
    "several sizes": (
        "min_size: 16 min_size: 32 aspect_ratio: 1 aspect_ratio: 3 "
        "aspect_ratio: 3 flip: false variance: 0.3 clip: false",
        (
            (300, 200),
            (100, 50),
            0.5,
            [
                (16, 16),
                (16 * ROOT3, 16 / ROOT3),
                (32, 32),
                (32 * ROOT3, 32 / ROOT3),
            ],
        ),
        [0.3] * 4,
    ),
    "sizes of the image and the steps given": (
        "min_size: 30 max_size: 60 aspect_ratio: 2 flip: false clip: true "
        "img_h: 120 img_w: 90 step_h: 40 step_w: 20 offset: 0.25 "
        "variance: 0.1",
        ((120, 90), (40, 20), 0.25, PLAIN),
        [0.1] * 4,
    ),
    "one size for both sides": (
        "min_size: 10 img_size: 64",
        ((64, 64), (64 / 3, 16), 0.5, [(10, 10)]),
        [0.1] * 4,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_prior_box(case, net, opencv):
    settings, (image, step, offset, sides), variances = CASES[case]
    made = net(priors(settings), x=X, image=IMAGE)["y"]
    expected = boxes(
        (3, 4), image, step, offset, sides, "clip: true" in settings
    )
    assert made.shape == (1, 2, len(expected))
    np.testing.assert_allclose(made[0, 0], expected, atol=1e-7)
    np.testing.assert_allclose(
        made[0, 1], np.tile(variances, len(expected) // 4), rtol=1e-7
    )
    if "variance" not in settings or "img_h" in settings:
        # OpenCV wants the one, and does not read the other; and where `clip`
        # is not given, it clips.
        return
    oracle = opencv({"x": X[:1], "image": IMAGE}, model=False)
    np.testing.assert_allclose(made, oracle.reshape(made.shape), atol=1e-6)


def test_sizes_are_whole_numbers(net):
    """Caffe cuts what is behind the point; OpenCV does not."""
    cut = net(priors("min_size: 30.9 max_size: 60.7"), x=X, image=IMAGE)["y"]
    whole = net(priors("min_size: 30 max_size: 60"), x=X, image=IMAGE)["y"]
    np.testing.assert_array_equal(cut, whole)


@pytest.mark.parametrize(
    "settings",
    [
        "width: 20 width: 30.5 height: 10 height: 5",
        "width: 20 width: 30.5 height: 10 height: 5 offset_w: 0.25 "
        "offset_w: 0.75 offset_h: 0.5 offset_h: 0.4",
        "min_size: 8 max_size: 12 aspect_ratio: 2 offset_w: 0.25 "
        "offset_w: 0.75 offset_h: 0.5 offset_h: 0.4",
        "min_size: 8 offset_w: 0.25 offset_h: 0.4",
    ],
)
def test_priors_of_opencv(settings, referenced, opencv):
    text = priors(settings + " clip: false variance: 0.1 step: 9")
    made = referenced(text, x=X[:1], image=IMAGE)["y"]
    oracle = opencv({"x": X[:1], "image": IMAGE}, model=False)
    np.testing.assert_allclose(made, oracle.reshape(made.shape), atol=1e-6)


def test_priors_do_not_depend_on_the_values(net):
    text = priors("min_size: 30")
    made = net(text, x=np.full_like(X, np.nan), image=IMAGE)["y"]
    np.testing.assert_array_equal(made, net(text, x=X, image=IMAGE)["y"])


@pytest.mark.parametrize(
    "settings, words",
    [
        ("", "min_size"),
        ("min_size: 0", "min_size"),
        ("min_size: 30 max_size: 20", "above"),
        ("min_size: 30 max_size: 40 max_size: 50", "1 `min_size` and 2"),
        ("min_size: 30 variance: 0.1 variance: 0.2", "four"),
        ("min_size: 30 variance: 0", "positive"),
        ("min_size: 30 step: 8 step_h: 8", "give one"),
        ("min_size: 30 img_h: 8", "both directions"),
        ("min_size: 30 step: -1", "both directions"),
        ("min_size: 30 aspect_ratio: -2", "aspect_ratio"),
        ("min_size: inf", "refuses"),
        ("width: 3 height: 2 height: 4", "as many positive"),
        ("width: 3 height: -2", "as many positive"),
        ("width: 3 height: 2 min_size: 4", "one kind"),
        ("min_size: 3 offset_w: 0.5", "as many `offset_h`"),
        ("min_size: 3 offset: 1 offset_w: 0.5 offset_h: 1", "takes `offset`"),
    ],
)
def test_priors_that_caffe_refuses(settings, words, net):
    with pytest.raises(CaffeFormatError, match=words):
        net(priors(settings), x=X, image=IMAGE)


def test_too_many_boxes(net):
    ratios = " ".join(f"aspect_ratio: {1 + i / 8}" for i in range(2000))
    with pytest.raises(UnsupportedLayerError, match="ratios"):
        net(priors("min_size: 3 flip: false " + ratios), x=X, image=IMAGE)
    wide = np.zeros((1, 1, 300, 300), np.float32)
    with pytest.raises(UnsupportedLayerError, match="boxes"):
        net(priors("min_size: 3 " * 12), x=wide, image=IMAGE)
