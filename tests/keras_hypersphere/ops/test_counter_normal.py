import numpy as np
from keras import ops

from keras_hypersphere.ops import counter_normal
from keras_hypersphere.testing.gradients import array
from tests.keras_hypersphere.backends import compiled


def drawn(count, seed, run=lambda f: f):
    def function(index, seed):
        return counter_normal.normal(index, seed, "float32")

    index = ops.arange(count, dtype="int32")
    seed = ops.convert_to_tensor(np.array(seed, "int64").astype("int32"))
    return array(run(function)(index, seed))


def test_numbers_are_the_same_everywhere():
    """On each backend, compiled or not."""
    wanted = [0.08779708, 0.7625751, 0.2140026, -1.5611786]
    np.testing.assert_allclose(drawn(4, (7, 3)), wanted, rtol=1e-5)
    np.testing.assert_allclose(drawn(4, (7, 3), compiled), wanted, rtol=1e-5)


def test_numbers_are_normal_and_independent():
    x = drawn(100_000, (7, 3)).astype("float64")
    assert abs(x.mean()) < 0.01
    assert abs(x.std() - 1) < 0.01
    assert abs((x**4).mean() - 3) < 0.1
    for edge, share in ((-1.0, 0.1587), (0.0, 0.5), (2.0, 0.9772)):
        assert abs((x < edge).mean() - share) < 0.005
    # Of the next number, the next step, and another seed.
    others = (
        np.roll(x, 1),
        drawn(100_000, (7, 4)),
        drawn(100_000, (8, 3)),
        drawn(100_000, (2**32 - 1, 3)),
    )
    for other in others:
        assert abs(np.corrcoef(x, other)[0, 1]) < 0.015
