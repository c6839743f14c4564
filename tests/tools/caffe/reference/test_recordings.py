"""The reference compared with real Caffe: every network, every blob."""

import json
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from keras_hypersphere.caffe_format import NetParameter
from keras_hypersphere.tools.caffe import CaffeNetwork
from keras_hypersphere.tools.caffe.layer_type import LAYER_TYPES
from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.run import run_reference
from tests.fidelity.recording import load

TESTS = Path(__file__).parents[3]
FIXTURES = TESTS / "fixtures" / "caffe" / "conversion"
GOLDEN = TESTS / "fixtures" / "golden"
SHARED = TESTS / ".." / ".." / "shared" / "conversion"
# Of a blob's range. Both compute in float64; Caffe's blobs are float32.
EXACT = 1e-12
SINGLE = 1e-5

NETWORKS = sorted(
    path.parent.name
    for folder in (FIXTURES, SHARED)
    for path in folder.glob("*/meta.json")
    if not json.loads(path.read_text()).get("not_a_net")
)


@pytest.mark.parametrize("name", sorted(set(NETWORKS)))
def test_every_blob_of_a_network(name, recording):
    case = recording(name)
    network = CaffeNetwork.read(case.prototxt, case.caffemodel, **case.options)
    graph = network.graph
    feed = {
        blob: array.transpose(0, 3, 1, 2) if array.ndim == 4 else array
        for blob, array in case.inputs.items()
    }
    values, reasons = run_reference(network, feed)
    assert reasons == {}
    last = {blob: values[n] for n, blob in enumerate(graph.values)}
    compared = set()
    with np.load(case.folder / "blobs.npz") as recorded:
        for key in recorded:
            kind, _, blob = key.partition("_")
            if kind in ("blob", "sample", "out64"):
                ours = last[blob]
                if kind == "sample":
                    ours = ours.ravel()[recorded[f"sampleidx_{blob}"]]
                limit = EXACT if kind == "out64" else SINGLE
                assert relative(ours, recorded[key]) < limit, key
                compared.add(blob)
    assert compared == set(last)


def relative(ours, theirs):
    """The largest difference over the range; huge values must be equal."""
    assert ours.shape == theirs.shape
    usual = np.abs(theirs) < 1e30
    np.testing.assert_array_equal(ours[~usual], theirs[~usual])
    ours, theirs = ours[usual], theirs[usual].astype("float64")
    if not ours.size:
        return 0.0
    return np.abs(ours - theirs).max() / max(np.ptp(theirs), 1e-6)


def layers(*patterns):
    return sorted(
        path.stem for pattern in patterns for path in GOLDEN.glob(pattern)
    )


@pytest.mark.parametrize(
    "name",
    layers(
        "normalize_*",
        "innerproduct_*",
        "innerdistance_*",
        "flip_*",
        "scale_*",
        "labelspecificadd_*_test_*",
    ),
)
def test_a_recorded_layer(name):
    with np.load(GOLDEN / f"{name}.npz") as file:
        recorded = dict(file)
    meta = json.loads(str(recorded.pop("meta")))
    if meta["kind"] != "layer" or meta["steps"] > 1 or meta["emulated"]:
        pytest.skip("not one step of one layer")
    net = text_format.Parse(meta["prototxt"], NetParameter())
    parameter = next(layer for layer in net.layer if layer.name == "L")
    if meta["phase"] == "TRAIN" and parameter.type == "LabelSpecificAdd":
        pytest.skip("the reference is for test time")

    def arrays(key):
        found = []
        while f"{key}{len(found)}" in recorded:
            found.append(recorded[f"{key}{len(found)}"].astype("float64"))
        return found

    layer = ReferenceLayer(parameter, arrays("param") or None)
    tops = LAYER_TYPES[parameter.type].reference(layer, arrays("bottom"))
    tops = tops if isinstance(tops, list) else [tops]
    for index, ours in enumerate(tops):
        theirs = recorded[f"top{index}_f64"]
        assert relative(ours.reshape(theirs.shape), theirs) < EXACT


@pytest.mark.parametrize(
    "name",
    layers(
        "accuracy_*",
        "generalcontrastive_*",
        "generaltriplet_*",
        "[cm][fs]_centerloss_*",
        "softmaxwithloss_*",
    ),
)
def test_a_recorded_loss(name):
    recording = load(name)
    # The first step: no running mean has moved.
    prefix = recording.prefixes[0]

    def arrays(key):
        found = []
        while (name := f"{key}{len(found)}") in recording or (
            prefix + name in recording
        ):
            own = prefix + name in recording
            found.append(recording[prefix + name if own else name])
        return [array.astype("float64") for array in found]

    parameter = recording.layer()
    layer = ReferenceLayer(parameter, arrays("param") or None)
    made = LAYER_TYPES[parameter.type].reference(layer, arrays("bottom"))
    made = made if isinstance(made, list) else [made]
    recorded = [recording[f"{prefix}top{i}"] for i in range(len(made))]
    assert len(made) == len(recording.meta["tops"])
    for ours, theirs in zip(made, recorded, strict=True):
        if "intramae" in name and theirs.shape == (3,):
            # Caffe moves it and prints where it is after the step.
            assert ours[2] == 0 and theirs[2] == pytest.approx(0.01 * theirs[0])
            ours, theirs = ours[:2], theirs[:2]
        np.testing.assert_allclose(ours, theirs, rtol=EXACT, atol=EXACT)
