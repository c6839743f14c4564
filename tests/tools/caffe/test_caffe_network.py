"""A network is read once, whoever asks it."""

import gc
import os
import sys
import threading
import weakref
from collections import Counter

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import CaffeFormatError, schema
from keras_hypersphere.tools.caffe import CaffeNetwork, caffe_network, to_keras
from keras_hypersphere.tools.caffe.verification import verify
from keras_hypersphere.tools.cli import main

WATCHED: Counter = Counter()


def note_opens(event, arguments):
    """An audit hook: it cannot be taken away, so it counts what is asked."""
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path in WATCHED:
            WATCHED[path] += 1


@pytest.fixture(scope="module")
def audited():
    sys.addaudithook(note_opens)


@pytest.fixture
def opens(audited, sample):
    """How often each file of the sample is opened in this process."""
    WATCHED.clear()
    WATCHED.update({os.path.realpath(path): 0 for path in sample})
    yield WATCHED
    WATCHED.clear()


@pytest.fixture
def calls(monkeypatch):
    """How often a network is parsed, wired and converted."""
    found = Counter()

    def count(owner, name):
        own = getattr(owner, name)

        def counted(*arguments, **options):
            found[name] += 1
            return own(*arguments, **options)

        monkeypatch.setattr(owner, name, counted)

    count(caffe_network, "read_prototxt")
    count(caffe_network, "build_graph")
    count(caffe_network, "assemble")
    count(verify, "changed_weights")
    return found


def test_each_file_is_opened_once(opens, calls, sample, tmp_path, capsys):
    """As `convert --verify` runs: it took 6 opens and 53."""
    words = [*map(str, sample), "-o", str(tmp_path / "m.keras"), "--verify"]
    assert main(["convert", *words]) == 0
    assert "20 of 20 blobs agree" in capsys.readouterr().out
    assert list(opens.values()) == [1, 1]
    assert calls == {"read_prototxt": 1, "build_graph": 1, "assemble": 1}


def test_a_model_is_not_converted_again(opens, calls, sample):
    network = CaffeNetwork.read(*sample)
    model = network.to_keras()
    assert network.verify(model).passed
    assert network.card()["parameters"] == 155802
    assert len(network.run()) == 14
    assert list(opens.values()) == [1, 1]
    assert calls == {"read_prototxt": 1, "build_graph": 1, "assemble": 1}


def test_a_weight_that_was_changed_since(calls, sample):
    """A network that it made itself is no proof."""
    network = CaffeNetwork.read(*sample)
    model = network.to_keras()
    layer = model.get_layer("conv1a")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel * (1 + 2e-7), bias])
    # Not the same, but near enough: another conversion tells.
    assert network.verify(model).passed
    assert calls["changed_weights"] == 1
    layer.set_weights([kernel, bias + 1e-2])
    report = network.verify(model)
    [row] = [row for row in report.rows if row.layer == "conv1a"]
    assert row.status == "differs"
    assert calls["assemble"] == 3


def test_what_it_knows(sample):
    network = CaffeNetwork.read(*sample, outputs=["ip1"])
    assert [layer.name for layer in network.layers][:2] == ["input", "conv1a"]
    assert network.layers[-1].type == "PReLU"
    card = network.card()
    assert card["outputs"] == {"ip1": [None, 32]}
    assert card["result"] is None
    assert card["source"]["caffemodel"]["name"] == "lenet_pp.caffemodel"


def test_runs_in_float64(sample):
    network = CaffeNetwork.read(*sample)
    image = np.random.default_rng(0).normal(size=(2, 28, 28, 1))
    blobs = network.run(image)
    assert blobs["conv1a"].dtype == np.float64
    assert blobs["conv1a"].shape == (2, 16, 28, 28)
    again = network.run({"data": image.transpose(0, 3, 1, 2)})
    np.testing.assert_array_equal(blobs["prob"], again["prob"])
    ours = keras.ops.convert_to_numpy(network.to_keras()(image))
    np.testing.assert_allclose(ours, blobs["prob"], atol=1e-6)


def test_what_has_no_reference_is_told(write):
    network = CaffeNetwork.read(
        write(
            'input: "x" input_shape { dim: 1 dim: 3 }\n'
            'layer { name: "r" type: "ReLU" bottom: "x" top: "r" }\n'
            'layer { name: "o" type: "Odd" bottom: "r" top: "o" }'
        )
    )
    with pytest.warns(UserWarning, match="layer 'o' .Odd.: has no reference"):
        assert set(network.run(np.ones((1, 3)))) == {"x", "r"}


def test_the_file_is_closed_with_its_network(sample):
    network = CaffeNetwork.read(*sample)
    stream = network.caffemodel.source.stream
    gc.collect()
    gc.disable()
    try:
        gone = weakref.ref(network)
        del network
        assert gone() is None and stream.closed
    finally:
        gc.enable()


def test_a_file_that_is_deleted_or_replaced(sample, tmp_path):
    """What was opened stays; what is written over is refused."""
    path = tmp_path / "m.caffemodel"
    content = sample[1].read_bytes()
    expected = to_keras(*sample).get_layer("ip1").get_weights()
    path.write_bytes(content)
    network = CaffeNetwork.read(sample[0], path)
    path.unlink()
    path.write_bytes(b"another file")
    found = network.to_keras().get_layer("ip1").get_weights()
    np.testing.assert_array_equal(found[0], expected[0])
    path.write_bytes(content)
    network = CaffeNetwork.read(sample[0], path)
    with path.open("r+b") as stream:
        stream.truncate(1000)
    with pytest.raises(CaffeFormatError, match="cut off or written over"):
        network.to_keras()


def test_a_network_of_a_pipe(sample, tmp_path):
    """`convert <(sed … net.prototxt)`."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = sample[0].read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=[content])
    writer.start()
    network = CaffeNetwork.read(pipe)
    writer.join()
    assert network.prototxt.describe()["bytes"] == sample[0].stat().st_size
    assert isinstance(network.layers[0], schema.LayerParameter)
