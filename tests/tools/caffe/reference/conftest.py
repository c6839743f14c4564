import numpy as np
import pytest

from keras_hypersphere.tools.caffe import CaffeNetwork
from keras_hypersphere.tools.caffe.reference.run import run_reference
from tests.tools.caffe.reference.one_layer import prototxt


@pytest.fixture
def compute(write):
    """Runs the reference of one layer."""

    def run(type, settings, *bottoms, tops=1, phase="TEST"):
        shapes = [np.shape(x) for x in bottoms]
        path = write(prototxt(type, settings, shapes, tops))
        network = CaffeNetwork.read(path, phase=phase)
        feed = {f"x{i}": np.asarray(x) for i, x in enumerate(bottoms)}
        values, reasons = run_reference(network, feed)
        assert not reasons, reasons
        made = [values[number] for number in network.graph.nodes[-1].tops]
        return made if tops > 1 else made[0]

    return run
