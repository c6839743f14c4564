"""What the reference takes from a caffemodel."""

import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    NetParameter,
    read_caffemodel,
)
from keras_hypersphere.tools.caffe import CaffeNetwork, to_keras, verify
from keras_hypersphere.tools.caffe.reference.run import run_reference


@pytest.mark.filterwarnings("ignore:TensorFlow cannot compile")
@pytest.mark.parametrize("owner", ["nobody", "a b:c"])
def test_a_damaged_blob_that_no_layer_reads(owner, recording, tmp_path):
    """A layer of another network, and a ReLU."""
    case = recording("odd_names")
    net = read_caffemodel(case.caffemodel)
    net.layer.add(name=owner).blobs.add().shape.dim.extend([3, 1 << 40])
    path = tmp_path / "m.caffemodel"
    path.write_bytes(net.SerializeToString())
    feed = {"data": np.ones((2, 3, 6, 6))}
    network = CaffeNetwork.read(case.prototxt, path)
    values, reasons = run_reference(network, feed)
    expected, _ = run_reference(
        CaffeNetwork.read(case.prototxt, case.caffemodel), feed
    )
    assert not reasons
    assert len(values) == 6
    for number, value in expected.items():
        np.testing.assert_array_equal(values[number], value)
    assert verify(to_keras(case.prototxt, path), case.prototxt, path).passed


def test_doubles_are_read_in_caffes_precision(write, tmp_path):
    prototxt = write(
        'input: "x" input_shape { dim: 1 dim: 2 }\n'
        'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" '
        "inner_product_param { num_output: 2 bias_term: false } }"
    )
    net = NetParameter()
    blob = net.layer.add(name="ip").blobs.add()
    blob.shape.dim.extend([2, 2])
    blob.double_data.extend([0.1, 0, 1e70, 0])
    path = tmp_path / "m.caffemodel"
    path.write_bytes(net.SerializeToString())
    network = CaffeNetwork.read(prototxt, path)
    values, reasons = run_reference(network, {"x": np.ones((1, 2))})
    assert not reasons
    made = values[network.graph.nodes[-1].tops[0]][0]
    assert made[0] == np.float32(0.1)
    assert not np.isfinite(made[1])
