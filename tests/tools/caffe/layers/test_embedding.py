import numpy as np
import pytest

from keras_hypersphere.tools.caffe import CaffeFormatError

LAYER = (
    'layer { name: "l" type: "Embed" bottom: "x" top: "y" '
    "embed_param { input_dim: 7 num_output: 3 % } }"
)
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(5,), (5, 2), (5, 2, 4), (5, 2, 4, 3)])
def test_rows_of_the_table(shape, net):
    x = RANDOM.integers(7, size=shape)
    table, bias = RANDOM.random((7, 3), np.float32), np.ones(3, np.float32)
    made = net(LAYER.replace("%", ""), {"l": [table, bias]}, x=x)["y"]
    np.testing.assert_array_equal(made, (table + bias)[x])
    made = net(LAYER.replace("%", "bias_term: false"), {"l": [table]}, x=x)["y"]
    np.testing.assert_array_equal(made, table[x])


def test_without_sizes(net):
    with pytest.raises(CaffeFormatError, match="input_dim"):
        net(LAYER.replace("input_dim: 7", "").replace("%", ""), x=np.ones(2))
