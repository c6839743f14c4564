"""Solver files; the recorded solver followed from its text alone."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.ops import centers
from keras_hypersphere.optimizers.caffe_sgd import CaffeSGD
from keras_hypersphere.tools.caffe import (
    UnsupportedLayerError,
    name_map,
    read_solver,
    to_keras,
)
from tests.fidelity.ledger import TOLERANCE, error
from tests.fidelity.recording import load, names

STEPS = 6


def write_recording(z, folder):
    """The recorded texts as files, and the blobs that training began with."""
    (folder / "train.prototxt").write_text(z.meta["prototxt"])
    solver = folder / "solver.prototxt"
    solver.write_text('net: "train.prototxt"\n' + z.meta["solver"])
    net = NetParameter()
    for layer in z.net.layer:
        stored = net.layer.add(name=layer.name)
        while f"init_{layer.name}_{len(stored.blobs)}" in z:
            key = f"init_{layer.name}_{len(stored.blobs)}"
            set_blob(stored.blobs.add(), z.float32(key))
    write_caffemodel(net, folder / "init.caffemodel")
    return solver, folder / "init.caffemodel"


def learnt(model):
    """Caffe's blob -> the variable, and how one lies in the other."""
    variables = {v.path: v for v in model.trainable_variables}
    found = {}
    for layer in name_map(model)["layers"]:
        # Agents and centers are rows, in Keras as in Caffe.
        columns = layer["type"] in ("InnerProduct", "MarginInnerProduct")
        for index, path in enumerate(layer["weights"]):
            name = f"{layer['name']}_{index}"
            found[name] = variables[path], columns and index == 0
    return found


def outputs_of(model, feed):
    """The tops of a training step, which leaves states as they were."""
    states = [ops.convert_to_numpy(v) for v in model.non_trainable_variables]
    made = model(feed, training=True)
    for variable, state in zip(
        model.non_trainable_variables, states, strict=True
    ):
        variable.assign(state)
    made = made if isinstance(made, (list, tuple)) else [made]
    return {
        name: ops.convert_to_numpy(value)
        for name, value in zip(model.output_names, made, strict=True)
    }


def repeated_step_sizes(labels):
    """The fork `ms` adds a center's step once for each of its samples."""
    same = ops.equal(labels[:, None], labels[None, :])
    count = ops.sum(ops.cast(same, "float32"), axis=-1)
    return count / (1.0 + count)


@pytest.mark.parametrize("name", names("traj_*"))
def test_follows_the_recorded_solver(name, tmp_path, monkeypatch):
    if name.startswith("traj_center_loss_ms_"):
        monkeypatch.setattr(centers, "step_sizes", repeated_step_sizes)
    z = load(name)
    solver, caffemodel = write_recording(z, tmp_path)
    optimizer = read_solver(solver)
    assert type(optimizer) is CaffeSGD
    model = to_keras(optimizer.solver.net, caffemodel, phase="TRAIN")
    model.compile(optimizer, run_eagerly=True)
    weights = learnt(model)
    assert {f"init_{blob}" for blob in weights} == {
        key
        for key in z.arrays
        if key.startswith("init_") and not key.endswith("_f64")
    }
    for step in range(STEPS):
        feed = {
            "data": z.float32(f"s{step}_data"),
            "label": z.labels(f"s{step}_label"),
        }
        for blob, ours in outputs_of(model, feed).items():
            theirs = z[f"s{step}_blob_{blob}"]
            assert error(ours, theirs) <= TOLERANCE, (step, blob)
        model.train_on_batch(feed)
        for blob, (variable, columns) in weights.items():
            theirs = z[f"s{step}_param_{blob}"]
            theirs = theirs.T if columns else theirs
            theirs = theirs.reshape(variable.shape)
            if variable.constraint is not None:
                # Caffe does the same as its next forward begins.
                theirs = ops.convert_to_numpy(variable.constraint(theirs))
            ours = ops.convert_to_numpy(variable)
            assert error(ours, theirs) <= TOLERANCE, (step, blob)
