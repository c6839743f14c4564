"""Heads on several devices: losses, weights and momentum of one device."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from tests.keras_hypersphere.workers.run import addresses
from tests.keras_hypersphere.workers.sharded import BATCH, CLASSES, DIM

ROOT = Path(__file__).parents[3]
MODULE = "tests.keras_hypersphere.workers.sharded"
ON_JAX = pytest.mark.only_on("jax", reason="keras.distribution splits there")
HEADS = ["ArcFace", "CosineDense", "CenterLoss", "AgentContrastive"]
OTHERS = [
    "ASoftmax",
    "AdaFace",
    "SubCenterArcFace",
    "Dense",
    "AMSoftmax",
    "CombinedMargin",
    "CurricularFace",
    "ElasticFace",
    "MagFace",
    "SphereFace2",
    "SphereFaceR",
    "UniFace",
    "ProxyAnchor",
    "InnerDistance",
    "AgentTriplet",
]
RUNS = [
    (4, "1", HEADS),
    (2, "1", HEADS[:2]),
    (4, "2", [*HEADS[:2], "LSoftmax"]),
]


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", MODULE, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes):
    for process in processes:
        error = process.communicate(timeout=600)[1]
        assert not process.returncode, error[-3000:]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function: devices, axes, heads -> the folder of their results."""

    @functools.cache
    def train(devices, axes, heads):
        folder = tmp_path_factory.mktemp("sharded")
        finish(start(folder, devices, axes, heads))
        return folder

    return train


def assert_same(found, wanted, name, other):
    """Variables of two trainings, and their logs where both have some."""
    pairs = [
        (key, key.replace(other, name, 1))
        for key in wanted
        if key.startswith(f"{other} ")
    ]
    pairs = [(a, b) for a, b in pairs if b in found]
    assert len([a for a, _ in pairs if "log" not in a]) >= 10
    for theirs, ours in pairs:
        np.testing.assert_allclose(
            found[ours], wanted[theirs], 1e-5, 1e-5, err_msg=ours
        )


@ON_JAX
@pytest.mark.slow
@pytest.mark.parametrize(
    ("devices", "axes", "head"),
    [(*run[:2], head) for run in RUNS for head in run[2]]
    + [
        pytest.param(4, "1", head, marks=pytest.mark.everything)
        for head in OTHERS
    ],
)
def test_it_is_the_training_of_one_device(trained, devices, axes, head):
    heads = next(
        (r[2] for r in RUNS if r[:2] == (devices, axes) and head in r[2]),
        OTHERS,
    )
    folder = trained(devices, axes, ",".join(heads))
    found = dict(np.load(folder / f"{head}.npz"))
    assert_same(found, found, "many", "one")
    # And so is what stops, and goes on with as many devices, or with one.
    if head == heads[0]:
        assert_same(found, found, "resumed", "many")
        assert_same(found, found, "alone", "one")
    parts = {k: v for k, v in found.items() if k.startswith("part ")}
    assert len(parts) == 2
    assert set(map(float, parts.values())) == {1 / (devices // int(axes))}


@ON_JAX
@pytest.mark.slow
@pytest.mark.parametrize(("devices", "axes", "heads"), RUNS)
def test_no_program_holds_all_classes(trained, devices, axes, heads):
    """Nor does one gather them: its arrays are those of one device."""
    folder = trained(devices, axes, ",".join(heads))
    programs = sharded_programs(folder / "programs-0")
    assert len(programs) >= len(heads)
    gathers = 0
    for program in programs:
        assert not arrays_of_all_classes(program)
        gathers += len(re.findall(r"all-gather\(", program))
    # On one axis the embeddings are.
    embeddings = f"f32[{BATCH},{DIM}]"
    assert gathers
    if axes == "1":
        assert all(
            re.search(rf"= {re.escape(embeddings)}\S* all-", program)
            for program in programs
        )


def sharded_programs(folder):
    """The compiled training steps for several devices, as text."""
    texts = [
        path.read_text()
        for path in folder.glob("*after_optimizations.txt")
        if "train_step" in path.name
    ]
    return [text for text in texts if "num_partitions=" in text]


def arrays_of_all_classes(program):
    """Lines with an array that has a column or a row for each class."""
    sizes = rf"(?:{CLASSES}|{3 * CLASSES})"
    pattern = rf"[a-z]+\d*\[(?:\d+,)*{sizes}(?:,\d+)*\]"
    lines = [line.split("metadata=")[0] for line in program.splitlines()]
    return [line for line in lines if re.search(pattern, line)]


def test_all_classes_are_found_where_they_are():
    assert arrays_of_all_classes(f"%a = f32[6,{CLASSES}]{{1,0}} all-gather(%b)")
    assert arrays_of_all_classes(f"%a = s32[{CLASSES},16]{{1,0}} iota()")
    assert not arrays_of_all_classes("%a = f32[24,10]{1,0} dot(%b, %c)")


@ON_JAX
@pytest.mark.slow
def test_two_processes_are_one_device(trained, tmp_path):
    """With half of the classes each; their state becomes one file."""
    one = trained(2, "1", "ArcFace,CosineDense")
    together = addresses(2)
    finish(
        *[
            start(tmp_path, 1, "1", "ArcFace", index, together)
            for index in range(2)
        ]
    )
    wanted = dict(np.load(one / "ArcFace.npz"))
    found = dict(np.load(tmp_path / "ArcFace.npz"))
    assert_same(found, wanted, "many", "one")
    assert_same(found, wanted, "resumed", "one")
    for index in range(2):
        programs = sharded_programs(tmp_path / f"programs-{index}")
        assert programs
        assert not any(map(arrays_of_all_classes, programs))
    finish(start(tmp_path, 1, "export", "ArcFace"))
    model = keras.models.load_model(tmp_path / "ArcFace.keras")
    for index, variable in enumerate(model.variables[:5]):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(variable), found[f"resumed {index}"]
        )


def make_model(head, **given):
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    return kh.models.MarginModel(backbone, head, **given)


def mesh(devices=1):
    """A mesh says nothing of its devices until it is used."""
    names = [f"cpu:{i}" for i in range(devices)]
    return keras.distribution.DeviceMesh((devices,), ["shard"], names)


@ON_JAX
def test_the_layout_knows_variables_of_copies():
    layout = kh.models.sharded_layout(make_model(kh.layers.ArcFace(8)), mesh(4))
    for path in ("arc_face/kernel", "a/arc_face_7/kernel"):
        assert layout[path].axes == (None, "shard")
    for path in (
        "arc_face/annealing_step",
        "dense/kernel",
        "my_arc_face/kernel",
    ):
        assert layout[path] is None
    both = [kh.layers.CenterLoss(8), kh.layers.CosineDense(8, use_bias=True)]
    layout = kh.models.sharded_layout(make_model(both), mesh(4))
    assert layout["center_loss/centers"].axes == ("shard", None)
    assert layout["cosine_dense/bias"].axes == ("shard",)


@ON_JAX
@pytest.mark.parametrize(
    ("head", "said"),
    [
        (lambda: kh.layers.ArcFace(10), "leave 2 classes at the end empty"),
        (
            lambda: kh.layers.ChunkedClasses(kh.layers.ArcFace(8)),
            "Shard the head that it wraps",
        ),
        (
            lambda: kh.layers.SampledClasses(kh.layers.ArcFace(8)),
            "Shard the head that it wraps",
        ),
        (lambda: keras.layers.Dense(8), "pass it `name='head'`"),
        (lambda: keras.layers.Activation("relu"), "with class weights"),
    ],
)
def test_what_cannot_be_sharded_is_refused(head, said):
    model = make_model(head())
    with pytest.raises(ValueError, match=said) as caught:
        kh.models.sharded_layout(model, mesh(4))
    assert "\n" not in str(caught.value)


@ON_JAX
def test_other_models_are_refused():
    head = kh.layers.ArcFace(8)
    backbone = keras.Sequential([keras.layers.Dense(3)])
    with pytest.raises(ValueError, match=r"give its backbone a `keras.Input`"):
        kh.models.sharded_layout(kh.models.MarginModel(backbone, head), mesh())
    with pytest.raises(ValueError, match=r"must be a `kh.models.MarginModel`"):
        kh.models.sharded_layout(backbone, mesh())


@pytest.mark.only_on("tensorflow", "torch", reason="JAX splits variables")
def test_other_backends_are_refused():
    model = make_model(kh.layers.ArcFace(8))
    with pytest.raises(ValueError, match="needs the backend JAX") as caught:
        kh.models.sharded_layout(model, None)
    assert "\n" not in str(caught.value)
