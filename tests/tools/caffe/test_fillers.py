import numpy as np
import pytest

from keras_hypersphere.caffe_format import FillerParameter
from keras_hypersphere.tools.caffe.fillers import fill

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
    ],
)
def test_distributions(settings, spread, edge):
    np.random.seed(0)
    values = fill(FillerParameter(**settings), SHAPE)
    assert values.shape == SHAPE and values.dtype == np.float32
    assert values.std() == pytest.approx(spread, rel=0.03)
    if edge is not None:
        assert np.abs(values).max() <= edge


def test_rows_on_the_sphere_and_unknown_fillers():
    rows = fill(FillerParameter(type="gaussian_unitball"), SHAPE)
    norms = np.linalg.norm(rows.reshape(40, -1), axis=1)
    np.testing.assert_allclose(norms, 1, rtol=1e-5)
    assert fill(FillerParameter(type="identity"), SHAPE) is None
