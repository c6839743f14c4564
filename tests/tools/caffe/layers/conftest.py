import re

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    read_prototxt,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import CaffeNetwork, to_keras
from keras_hypersphere.tools.caffe.reference.run import run_reference


def to_keras_order(array):
    """N, C, H, W as N, H, W, C; other arrays as they are."""
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def to_caffe_order(array):
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


@pytest.fixture
def net(write, tmp_path):
    """Converts layers given as text, and runs them.

    `net(layers, x=array, weights={"layer": [array, …]})` gives the values of
    the network's outputs by blob name, as arrays in Caffe's order.
    """

    def run(layers, weights=None, outputs=None, batch=None, **inputs):
        text = "".join(
            f'input: "{name}" input_shape {{ '
            + " ".join(f"dim: {size}" for size in array.shape)
            + " }\n"
            for name, array in inputs.items()
        )
        path = write(text + layers)
        caffemodel = None
        if weights is not None:
            stored = read_prototxt(path)
            for layer in stored.layer:
                for array in weights.get(layer.name, ()):
                    set_blob(layer.blobs.add(), np.asarray(array, np.float32))
            caffemodel = tmp_path / "net.caffemodel"
            write_caffemodel(stored, caffemodel)
        model = to_keras(path, caffemodel, outputs=outputs)
        feed = [
            to_keras_order(np.asarray(array, np.float32))
            for array in inputs.values()
        ]
        made = model(feed if len(feed) > 1 else feed[0], training=False)
        made = made if isinstance(made, (list, tuple)) else [made]
        run.model = model
        return {
            name: to_caffe_order(keras.ops.convert_to_numpy(value))
            for name, value in zip(model.output_names, made, strict=True)
        }

    return run


@pytest.fixture
def referenced(net, tmp_path):
    """Holds a network's outputs against the float64 reference.

    Takes what `net` takes, and returns what it returns.
    """

    def run(layers, weights=None, **inputs):
        made = net(layers, weights, **inputs)
        path = tmp_path / "net.prototxt"
        caffemodel = tmp_path / "net.caffemodel" if weights else None
        network = CaffeNetwork.read(path, caffemodel)
        graph = network.graph
        values, reasons = run_reference(network, inputs)
        assert not reasons
        for number in graph.outputs:
            name = graph.values[number]
            expected = values[number]
            assert made[name].shape == expected.shape
            np.testing.assert_allclose(
                made[name],
                expected,
                rtol=0,
                atol=2e-6 * max(np.ptp(expected), 1e-3),
                err_msg=name,
            )
        return made

    return run


@pytest.fixture
def opencv(tmp_path):
    """What OpenCV makes of the network that `net` wrote."""
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        pytest.skip("this OpenCV has no Caffe importer")

    def run(feed, model=True):
        weights = str(tmp_path / "net.caffemodel") if model else ""
        net = cv2.dnn.readNetFromCaffe(str(tmp_path / "net.prototxt"), weights)
        for name, array in feed.items():
            net.setInput(np.asarray(array, np.float32), name)
        return net.forward()

    return run


WORDS = {
    "n": "num_output",
    "k": "kernel_size",
    "p": "pad",
    "s": "stride",
    "d": "dilation",
    "g": "group",
}


@pytest.fixture
def spell():
    """`k3 sh2` is `kernel_size: 3 stride_h: 2`."""

    def spell_out(short):
        found = re.findall(r"([a-z])([hw]?)(\d+)", short)
        return " ".join(
            f"{WORDS[word].removesuffix('_size' if axis else '')}"
            f"{'_' * bool(axis)}{axis}: {number}"
            for word, axis, number in found
        )

    return spell_out
