import numpy as np
import pytest

from keras_hypersphere.caffe_format import FillerParameter
from keras_hypersphere.tools.caffe.building.fillers import fill

SHAPE = (40, 30, 3, 3)


@pytest.mark.parametrize(
    "settings, spread, edge",
    [
        ({"type": "constant", "value": 2}, 0, 2),
        ({"type": "uniform", "min": -1, "max": 1}, 3**-0.5, 1),
        ({"type": "gaussian", "std": 0.1}, 0.1, None),
        # Variances of 1 / fan in, of 2 / fan out, of 2 / (1.25 mean fan).
        ({"type": "xavier"}, 270**-0.5, (3 / 270) ** 0.5),
        ({"type": "msra", "variance_norm": 1}, (2 / 360) ** 0.5, None),
        (
            {"type": "msra", "variance_norm": 2, "alpha": 0.5},
            (2 / (315 * 1.25)) ** 0.5,
            None,
        ),
        ({"type": "gaussian_unitball"}, 270**-0.5, 1),
        # Rows of 270 numbers, U(0, 1) over a sum of about 135.
        ({"type": "positive_unitball"}, 12**-0.5 / 135, 1 / 100),
        # Half of them are kept: a variance of std^2 / 2.
        ({"type": "gaussian", "std": 2, "sparse": 20}, 2**0.5, None),
    ],
)
def test_distributions(settings, spread, edge):
    np.random.seed(0)
    values = fill(FillerParameter(**settings), SHAPE)
    assert values.shape == SHAPE and values.dtype == np.float32
    assert values.std() == pytest.approx(spread, rel=0.03)
    if edge is not None:
        assert np.abs(values).max() <= edge


def test_rows():
    rows = fill(FillerParameter(type="gaussian_unitball"), SHAPE)
    norms = np.linalg.norm(rows.reshape(40, -1), axis=1)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)
    rows = fill(FillerParameter(type="positive_unitball"), SHAPE)
    np.testing.assert_allclose(rows.reshape(40, -1).sum(1), 1, rtol=1e-5)
    assert (rows >= 0).all()
    sparse = fill(FillerParameter(type="gaussian", sparse=5), SHAPE)
    assert (sparse == 0).mean() == pytest.approx(7 / 8, abs=0.01)


def test_bilinear():
    even = fill(FillerParameter(type="bilinear"), (2, 1, 4, 4))
    slope = np.array([1, 3, 3, 1]) / 4
    np.testing.assert_array_equal(even[1, 0], np.outer(slope, slope))
    odd = fill(FillerParameter(type="bilinear"), (1, 2, 5, 5))
    slope = np.array([1, 2, 3, 2, 1]) / 3
    np.testing.assert_allclose(odd[0, 1], np.outer(slope, slope), rtol=1e-6)
    # What Caffe's formula gives for a size that it was not made for.
    lame = fill(FillerParameter(type="bilinear"), (1, 1, 3, 3))
    np.testing.assert_array_equal(lame[0, 0, 0], [1 / 16, 3 / 16, 3 / 16])


def test_identity():
    np.testing.assert_array_equal(
        fill(FillerParameter(type="identity"), (3, 3, 1, 1))[..., 0, 0],
        np.eye(3),
    )


@pytest.mark.parametrize(
    "settings, shape",
    [
        ({"type": "bilinear"}, (2, 1, 4, 3)),
        ({"type": "bilinear"}, (4, 4)),
        ({"type": "identity"}, (4, 3)),
        ({"type": "gaussian", "std": 0}, (4, 3)),
        ({"type": "gaussian", "sparse": 5}, (4, 3)),
        ({"type": "gaussian", "sparse": -2}, (4, 3)),
        ({"type": "xavier", "sparse": 1}, (4, 3)),
        ({"type": "uniform", "min": 2}, (4, 3)),
    ],
)
def test_what_caffe_refuses(settings, shape):
    with pytest.raises(ValueError):
        fill(FillerParameter(**settings), shape)


def test_unknown_and_scalars():
    assert fill(FillerParameter(type="orthogonal"), SHAPE) is None
    assert fill(FillerParameter(value=7), ()) == 7
    for kind in ("xavier", "msra", "gaussian_unitball", "identity"):
        assert fill(FillerParameter(type=kind), ()).shape == ()
