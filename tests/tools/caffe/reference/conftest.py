import numpy as np
import pytest

from keras_hypersphere.caffe_format import read_prototxt
from keras_hypersphere.tools.caffe.network.graph import build_graph
from keras_hypersphere.tools.caffe.network.rules import make_state
from keras_hypersphere.tools.caffe.reference import run_reference
from tests.tools.caffe.reference.one_layer import prototxt


@pytest.fixture
def compute(write):
    """Runs the reference of one layer."""

    def run(type, settings, *bottoms, tops=1, phase="TEST"):
        shapes = [np.shape(x) for x in bottoms]
        path = write(prototxt(type, settings, shapes, tops))
        graph = build_graph(read_prototxt(path), make_state(phase, (), 0))
        feed = {f"x{i}": np.asarray(x) for i, x in enumerate(bottoms)}
        values, reasons = run_reference(graph, None, feed)
        assert not reasons, reasons
        made = [values[number] for number in graph.nodes[-1].tops]
        return made if tops > 1 else made[0]

    return run
