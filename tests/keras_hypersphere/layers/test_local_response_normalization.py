from pathlib import Path

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.local_response_normalization import (
    LocalResponseNormalization,
)
from keras_hypersphere.testing.gradients import gradients

SHARED = Path(__file__).parents[3] / ".." / "shared" / "conversion"


def loop(x, size, alpha, beta, k, within_channel):
    """Cell by cell in float64."""
    x = x.astype("float64")
    y, reach = np.empty_like(x), size // 2
    for n, h, w, c in np.ndindex(x.shape):
        if within_channel:
            rows = slice(max(h - reach, 0), h + reach + 1)
            columns = slice(max(w - reach, 0), w + reach + 1)
            total = 1 + alpha / size**2 * np.sum(x[n, rows, columns, c] ** 2)
        else:
            channels = slice(max(c - reach, 0), c + reach + 1)
            total = k + alpha / size * np.sum(x[n, h, w, channels] ** 2)
        y[n, h, w, c] = x[n, h, w, c] * total**-beta
    return y


SETTINGS = [
    (5, 1.0, 0.75, 1.0, False),
    (3, 1.5, 0.6, 2.0, False),
    (7, 5e-4, 0.75, 2.0, False),
    (1, 1.0, 0.5, 1e-3, False),
    (5, 1.0, 0.75, 0.0, False),
    (3, 0.0, 0.75, 1.0, False),
    (3, 1.5, 0.6, 3.0, True),
    (5, 1.0, 0.75, 1.0, True),
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("scale", [1.0, 1e-3, 30.0])
def test_follows_the_loop(settings, scale):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 9)) * scale
    x = x.astype("float32")
    found = LocalResponseNormalization(*settings)(x)
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), loop(x, *settings), rtol=2e-5
    )


@pytest.mark.parametrize("settings", SETTINGS)
def test_gradient_is_the_difference_quotient(settings):
    rng = np.random.default_rng(0)
    x, g, step = (rng.normal(size=(1, 3, 3, 5)) for _ in range(3))
    layer = LocalResponseNormalization(*settings)

    def function(x):
        y = layer(x)
        return ops.sum(ops.multiply(y, g.astype("float32"))), y

    found = gradients(function, [x.astype("float32")]).inputs[0]
    h = 1e-6
    ends = [np.sum(g * loop(x + s * step, *settings)) for s in (h, -h)]
    quotient = (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(np.sum(found * step), quotient, rtol=1e-4)


@pytest.mark.parametrize("huge", [1e15, 1e30, 3e38])
@pytest.mark.parametrize("within_channel", [True, False])
def test_huge_cells_beside_ordinary_ones(within_channel, huge):
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 9)).astype("float32")
    x[0, 0, 0, 0] = huge
    settings = (3, 1.0, 0.75, 1.0, within_channel)
    found = LocalResponseNormalization(*settings)(x)
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), loop(x, *settings), rtol=2e-5, atol=1e-37
    )


@pytest.mark.parametrize(
    ("folder", "blob", "settings"),
    [
        ("lrn_across_a", "n5", (5, 1e-4, 0.75, 1.0, False)),
        ("lrn_across_a", "n3", (3, 1.5, 0.6, 1.0, False)),
        ("lrn_across_a", "def", (5, 1.0, 0.75, 1.0, False)),
        ("lrn_within_a", "w5", (5, 1e-4, 0.75, 1.0, True)),
        ("lrn_within_a", "w3", (3, 1.5, 0.6, 3.0, True)),
    ],
)
def test_recordings_of_caffe(folder, blob, settings):
    place = SHARED / folder
    if not place.exists():
        pytest.skip(f"no recordings in {SHARED}")
    blobs = np.load(place / "blobs.npz")
    layer = LocalResponseNormalization(*settings)
    x = np.load(place / "input.npy").transpose(0, 2, 3, 1)
    found = ops.convert_to_numpy(layer(x))
    wanted = blobs[f"out64_{blob}"].transpose(0, 2, 3, 1)
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 4}, "`size` must be odd.*size=4"),
        ({"size": 0}, "`size`"),
        ({"alpha": -1.0}, "`alpha`.*alpha=-1.0"),
        ({"beta": None}, "`beta`"),
        ({"k": -0.1}, "`k`"),
        ({"within_channel": 1}, "`within_channel`"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        LocalResponseNormalization(**arguments)
