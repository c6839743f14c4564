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
# To compile one takes seconds.
QUICK_FITS = (
    "traj_a_softmax_sphereface_s0",
    "traj_center_loss_caffeface_s0",
    "traj_combine_softmax_contrastive_ms_s0",
    "traj_normalized_Euclidean_triplet_ms_s0",
)


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


def learned(model):
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


def follow(z, folder):
    """A model and its solver, from the recorded texts alone."""
    solver, caffemodel = write_recording(z, folder)
    optimizer = read_solver(solver)
    assert type(optimizer) is CaffeSGD
    return to_keras(optimizer.solver.net, caffemodel, phase="TRAIN"), optimizer


def feed_of(z, step):
    return {
        "data": z.float32(f"s{step}_data"),
        "label": z.labels(f"s{step}_label"),
    }


def check_weights(z, weights, step):
    """Every blob as the recorded solver left it."""
    for blob, (variable, columns) in weights.items():
        theirs = z[f"s{step}_param_{blob}"]
        theirs = theirs.T if columns else theirs
        theirs = theirs.reshape(variable.shape)
        if variable.constraint is not None:
            # Caffe does the same as its next forward begins.
            theirs = ops.convert_to_numpy(variable.constraint(theirs))
        ours = ops.convert_to_numpy(variable)
        assert error(ours, theirs) <= TOLERANCE, (step, blob)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=() if name.endswith("_s0") else pytest.mark.slow
        )
        for name in names("traj_*")
    ],
)
def test_follows_the_recorded_solver(name, tmp_path, monkeypatch):
    """All but the fork's center loss, whose steps are put in here."""
    if name.startswith("traj_center_loss_ms_"):
        monkeypatch.setattr(centers, "step_sizes", repeated_step_sizes)
    z = load(name)
    model, optimizer = follow(z, tmp_path)
    model.compile(optimizer, run_eagerly=True)
    weights = learned(model)
    assert {f"init_{blob}" for blob in weights} == {
        key
        for key in z.arrays
        if key.startswith("init_") and not key.endswith("_f64")
    }
    for step in range(STEPS):
        feed = feed_of(z, step)
        for blob, ours in outputs_of(model, feed).items():
            theirs = z[f"s{step}_blob_{blob}"]
            assert error(ours, theirs) <= TOLERANCE, (step, blob)
        model.train_on_batch(feed)
        check_weights(z, weights, step)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=() if name in QUICK_FITS else pytest.mark.everything
        )
        for name in names("traj_*")
        if not name.startswith("traj_center_loss_ms_")
    ],
)
def test_fit_follows_the_recorded_solver(name, tmp_path):
    """As its user trains it: compiled, and with nothing put in."""
    z = load(name)
    model, optimizer = follow(z, tmp_path)
    model.compile(optimizer)
    weights = learned(model)
    for step in range(STEPS):
        feed = feed_of(z, step)
        model.fit(feed, batch_size=len(feed["label"]), shuffle=False, verbose=0)
        check_weights(z, weights, step)


def test_does_not_follow_the_steps_of_the_fork(tmp_path):
    """Its centers take a step for each sample of their class."""
    z = load("traj_center_loss_ms_s0")
    model, optimizer = follow(z, tmp_path)
    model.compile(optimizer, run_eagerly=True)
    weights = learned(model)
    model.train_on_batch(feed_of(z, 0))
    assert "center_loss_0" in weights
    with pytest.raises(AssertionError, match="center_loss_0"):
        check_weights(z, weights, 0)
    del weights["center_loss_0"]
    check_weights(z, weights, 0)


NET = """
input: "data" input_shape { dim: 2 dim: 3 }
input: "label" input_shape { dim: 2 }
layer { name: "a" type: "InnerProduct" bottom: "data" top: "a"
  param { lr_mult: 10 decay_mult: 0 } param { lr_mult: 20 }
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "b" bottom: "label"
  top: "loss" }
"""
LAST = """
layers { name: "b" type: INNER_PRODUCT bottom: "data" top: "b" blobs_lr: 3
  blobs_lr: 6 weight_decay: 1 weight_decay: 0 inner_product_param {
  num_output: 4 weight_filler { type: "xavier" } } }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "b" bottom: "label" }
"""
SOLVER = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 '


@pytest.fixture
def solver(write):
    """Reads a solver of this text, next to a network."""

    def read(text, net=NET, **options):
        write(net)
        return read_solver(write(text, "solver.prototxt"), **options)

    return read


def test_multipliers(solver):
    found = solver(SOLVER + "weight_decay: 0.0005")
    assert found.multipliers == {"a/kernel": (10, 0), "a/bias": (20, 1)}
    assert found.momentum == 0.9
    assert found.coupled_weight_decay == 0.0005


def test_multipliers_of_the_first_version(solver):
    net = NET[: NET.index("layer")] + LAST
    found = solver(SOLVER, net)
    assert found.multipliers == {"b/kernel": (3, 1), "b/bias": (6, 0)}


def test_the_rest_of_the_file(solver, tmp_path):
    text = SOLVER + "max_iter: 28000 random_seed: 831486 snapshot: 1000"
    found = solver(text).solver
    assert found.max_iter == 28000 and found.random_seed == 831486
    assert found.iter_size == 1 and found.parameter.snapshot == 1000
    assert to_keras(found.net, phase="TRAIN").output_names == ["loss"]


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ('lr_policy: "fixed"', [1, 1, 1, 1]),
        ('lr_policy: "step" gamma: 0.1 stepsize: 10', [1, 1, 0.1, 0.01]),
        (
            'lr_policy: "multistep" gamma: 0.1 stepvalue: 5 stepvalue: 20',
            [1, 0.1, 0.1, 0.01],
        ),
        ('lr_policy: "exp" gamma: 0.9', [0.9**t for t in (0, 9, 10, 20)]),
        (
            'lr_policy: "inv" gamma: 0.1 power: 0.75',
            [(1 + 0.1 * t) ** -0.75 for t in (0, 9, 10, 20)],
        ),
        (
            'lr_policy: "poly" power: 2 max_iter: 40',
            [(1 - t / 40) ** 2 for t in (0, 9, 10, 20)],
        ),
        (
            'lr_policy: "sigmoid" gamma: -0.1 stepsize: 10',
            [1 / (1 + np.exp(0.1 * (t - 10))) for t in (0, 9, 10, 20)],
        ),
    ],
)
def test_policies(solver, text, rates):
    base = SOLVER.replace('lr_policy: "fixed"', text)
    schedule = solver(base)._learning_rate
    found = [float(schedule(t)) for t in (0, 9, 10, 20)]
    np.testing.assert_allclose(found, 0.1 * np.array(rates), rtol=1e-5)


def test_updates_of_several_batches(solver):
    """Keras' schedules count batches, Caffe's updates."""
    text = SOLVER.replace(
        '"fixed"', '"step" gamma: 0.5 stepsize: 2 iter_size: 3'
    )
    found = solver(text + "clip_gradients: 6")
    assert found.gradient_accumulation_steps == 3
    assert found.global_clipnorm == 2
    weight = keras.Variable([1.0])
    rates = []
    # The weight is none of the network's.
    found.momentum, found.multipliers = 0.0, {}
    for _ in range(15):
        before = float(weight[0])
        found.apply([ops.convert_to_tensor([1.0])], [weight])
        rates.append(before - float(weight[0]))
    changes = [0.1, 0.1, 0.05, 0.05, 0.025]
    np.testing.assert_allclose(rates[2::3], changes, rtol=1e-4)
    assert not np.any(rates[0::3]) and not np.any(rates[1::3])


def test_nesterov(solver):
    """v <- m v + r g; p <- p - ((1 + m) v - m v_before)."""
    found = solver(SOLVER + 'type: "Nesterov"')
    assert type(found) is CaffeSGD and found.get_config()["nesterov"]
    found = CaffeSGD.from_config(found.get_config() | {"multipliers": None})
    weight, p, v = keras.Variable([1.0]), 1.0, 0.0
    for g in (1.0, -0.5, 2.0):
        found.apply([ops.convert_to_tensor([g])], [weight])
        before, v = v, 0.9 * v + 0.1 * g
        p -= 1.9 * v - 0.9 * before
        np.testing.assert_allclose(float(weight[0]), p, rtol=1e-5)


PLAIN = NET.replace("param { lr_mult: 10 decay_mult: 0 }", "").replace(
    "param { lr_mult: 20 }", ""
)


@pytest.mark.parametrize("kind", ["Adam", "AdaDelta"])
def test_solvers_that_keras_has(solver, kind):
    text = SOLVER + f'type: "{kind}" momentum2: 0.99 delta: 1e-6'
    found = solver(text, PLAIN)
    weight, p = keras.Variable([1.0]), 1.0
    first = second = 0.0
    for t, g in enumerate((1.0, -0.5, 2.0), start=1):
        found.apply([ops.convert_to_tensor([g])], [weight])
        if kind == "Adam":
            first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g * g
            rate = 0.1 * np.sqrt(1 - 0.99**t) / (1 - 0.9**t)
            p -= rate * first / (np.sqrt(second) + 1e-6)
        else:
            first = 0.9 * first + 0.1 * g * g
            step = g * np.sqrt((1e-6 + second) / (1e-6 + first))
            second = 0.9 * second + 0.1 * step * step
            p -= 0.1 * step
        np.testing.assert_allclose(float(weight[0]), p, rtol=1e-5)
    with pytest.raises(UnsupportedLayerError, match="`lr_mult`"):
        solver(text)
    with pytest.raises(UnsupportedLayerError, match="`weight_decay`"):
        solver(text + " weight_decay: 1e-4", PLAIN)


BROKEN = [
    ("nett: 'x'", r"line 1, column 1: .*nett"),
    (SOLVER.replace("net:", "train_net: 'a' net:"), "names 2 networks"),
    ("base_lr: 1 lr_policy: 'fixed'", "names no network"),
    (SOLVER + "type: 'SGDD'", "not a solver of Caffe"),
    (SOLVER + "type: 'SGD' solver_type: ADAM", "give one of them"),
    (SOLVER.replace("fixed", "fixe"), "`lr_policy"),
    (SOLVER.replace("fixed", "step"), "stepsize"),
    (SOLVER.replace("base_lr: 0.1", ""), "base_lr"),
    (SOLVER + "iter_size: 0", "`iter_size: 0`"),
    (SOLVER + "clip_gradients: 0", "`clip_gradients: 0`"),
    (SOLVER + "weight_decay: -1", "weight_decay"),
    (SOLVER.replace("0.9", "2"), "momentum"),
]


@pytest.mark.parametrize(("text", "words"), BROKEN)
def test_refuses_broken_files(solver, text, words, tmp_path):
    with pytest.raises(CaffeFormatError, match=words) as caught:
        solver(text)
    assert "solver.prototxt" in str(caught.value)
    assert "\n" not in str(caught.value)


UNSUPPORTED = [
    (SOLVER + "solver_type: ADAGRAD", "AdaGrad"),
    (SOLVER + "type: 'RMSProp'", "RMSProp"),
    (
        SOLVER + "weight_decay: 1e-4 regularization_type: 'L1'",
        "regularization_type",
    ),
    (
        SOLVER.replace("'fixed'", "").replace('"fixed"', '"exp" gamma: 0.9')
        + "iter_size: 2",
        "`iter_size`",
    ),
    (SOLVER + "min_lr: 0.01", "`min_lr` is of a fork of Caffe"),
    (SOLVER + "stageiter: [1, 2]", "`stageiter`"),
    (SOLVER + "solver_type: SAG", "`solver_type` is of a fork"),
]


@pytest.mark.parametrize(("text", "words"), UNSUPPORTED)
def test_refuses_what_keras_has_not(solver, text, words):
    with pytest.raises(UnsupportedLayerError, match=words) as caught:
        solver(text)
    assert "solver.prototxt" in str(caught.value)


def test_what_forks_write_besides_changes_nothing(solver):
    harmless = "eval_type: 'detection' min_lr: 0 larc: false test_offset: 3"
    made, plain = (solver(text) for text in (SOLVER + harmless, SOLVER))
    assert made.get_config() == {**plain.get_config(), "name": made.name}


def test_where_the_network_is(solver, write, tmp_path):
    """Beside the solver, or from Caffe's own root, a folder above."""
    folder = tmp_path / "examples" / "mnist"
    folder.mkdir(parents=True)
    (folder / "lenet.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(
        SOLVER.replace("net.prototxt", "examples/mnist/lenet.prototxt")
    )
    found = read_solver(folder / "solver.prototxt")
    assert found.solver.net.endswith("examples/mnist/lenet.prototxt")
    absent = SOLVER.replace("net.prototxt", "absent/none.prototxt")
    with pytest.raises(FileNotFoundError, match="absent/none"):
        solver(absent)
    inside = SOLVER.replace('net: "net.prototxt"', f"net_param {{ {NET} }}")
    found = solver(inside)
    assert found.solver.net is None and found.multipliers["a/bias"] == (20, 1)


def test_a_model_instead_of_the_network(solver, write):
    model = to_keras(write(NET), phase="TRAIN")
    found = solver(SOLVER.replace('net: "net.prototxt"', ""), model=model)
    assert found.multipliers["a/kernel"] == (10, 0)
    assert found.solver.net is None
    # A loaded model has no names of Caffe's; the network's are the same.
    copy = keras.models.clone_model(model)
    assert solver(SOLVER, model=copy).multipliers == found.multipliers
    with pytest.raises(CaffeFormatError, match="names are not known"):
        solver(SOLVER.replace('net: "net.prototxt"', ""), model=copy)
