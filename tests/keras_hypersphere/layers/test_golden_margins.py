"""LabelSpecificAdd, its head and LargeMarginInnerProduct beside real Caffe.

Each file of the groups agrees to 1e-5 with the float64 run, or stands in
docs/fidelity-exclusions.md.
"""

import fnmatch
import re
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.l_softmax import LSoftmax
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.testing.gradients import gradients

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / ".." / "shared" / "golden"
FOLDERS = (GOLDEN, ROOT / "tests" / "fixtures" / "golden")
MARGINS = {"SINGLE": 1, "DOUBLE": 2, "TRIPLE": 3, "QUADRUPLE": 4}
ROW = re.compile(r"^\| `(.+?)` \| `\*` \| (?:bug|concept) \| .+ \|$")
LEFT_OUT = [
    match[1]
    for line in (ROOT / "docs/fidelity-exclusions.md").read_text().splitlines()
    if (match := ROW.match(line))
]


def names(pattern):
    return sorted(
        {p.stem for folder in FOLDERS for p in folder.glob(f"{pattern}.npz")}
    )


def left_out(name):
    return any(fnmatch.fnmatch(name, pattern) for pattern in LEFT_OUT)


def option(z, name, default):
    text = z.meta["prototxt"].split("_param", 1)[-1]
    match = re.search(rf"\b{name}: ([^\s}}]+)", text)
    return type(default)(match[1]) if match else default


def agree(ours, theirs, what):
    ours = np.asarray(ours, "float64").reshape(theirs.shape)
    error = np.abs(ours - theirs).max()
    assert error <= 1e-5 * np.abs(theirs).max() + 1e-30, (what, error)


def run(head, x, labels, upstream, training=True):
    """Outputs, and gradients by features and kernel."""
    upstream = ops.convert_to_tensor(upstream.astype("float32"))

    def function(x):
        y = head(x, labels=labels, training=training)
        return ops.sum(y * upstream), y

    result = gradients(function, [x.astype("float32")], [head.kernel])
    return result.outputs, result.inputs[0], result.variables[0]


def label_specific_add(z, prefix, margin):
    """Top and bottom gradient of one step, through the whole head.

    The recorded bottom becomes cosines: the feature is the first axis, and
    column j of the kernel has the j-th value along it, the rest on an axis of
    its own. In Caffe's gradient the first row is that by the cosines.
    """
    cosines, labels = z["bottom0"], z.labels("bottom1")
    units = cosines.shape[1]
    head = AMSoftmax(units, margin=margin, scale=1.0, gradient="caffe")
    x = np.eye(1, 1 + units)
    head.build(x.shape)
    tops, bottoms = [], []
    for row, label, upstream in zip(
        cosines, labels, z[f"{prefix}top_diff0"], strict=True
    ):
        rest = np.diag(np.sqrt(1 - row**2))
        head.kernel.assign(np.concatenate([row[None], rest]))
        training = z.meta["phase"] == "TRAIN"
        y, _, dw = run(head, x, label[None], upstream[None], training)
        tops.append(y[0])
        bottoms.append(dw[0])
    agree(tops, z[f"{prefix}top0"], "top0")
    agree(bottoms, z[f"{prefix}bottom_diff0"], "bottom_diff0")


@pytest.mark.parametrize("name", names("labelspecificadd_*"))
def test_label_specific_add(name, recording):
    z = recording(name)
    steps = z.meta["steps"]
    for step in range(steps):
        prefix = f"s{step}_" if steps > 1 else ""
        margin = -option(z, "bias", 0.0)
        if left_out(name):
            # The schedule is not ours, what a step does is.
            margin = -float(z[f"{prefix}top1"][0])
        label_specific_add(z, prefix, margin)


@pytest.mark.parametrize("name", names("head_am_softmax_s?"))
def test_am_softmax_head(name, recording):
    z = recording(name)
    head = AMSoftmax(len(z["param_cos_0"]), gradient="caffe")
    head.build(z["input_feat"].shape)
    head.kernel.assign(z["param_cos_0"].T)
    labels = z.labels("input_label")
    y, dx, dw = run(head, z["input_feat"], labels, z["diff_cosms"])
    agree(y, z["blob_cosms"], "cosms")
    agree(dx, z["diff_feat"], "feature gradient")
    agree(dw.T, z["param_diff_cos_0"], "kernel gradient")
    after = head.kernel.constraint(head.kernel)
    agree(ops.transpose(after), z["param_cos_0_after"], "kernel afterwards")


@pytest.mark.parametrize("name", names("largemargininnerproduct_*"))
def test_large_margin_inner_product(name, recording):
    z = recording(name)
    start = option(z, "iteration", 0)
    head = LSoftmax(
        len(z["param0"]),
        margin=MARGINS[option(z, "type", "SINGLE")],
        annealing=LambdaAnnealing(
            base=option(z, "base", 1.0),
            gamma=option(z, "gamma", 0.0),
            power=option(z, "power", 1.0),
            minimum=option(z, "lambda_min", 0.0),
            start=start,
        ),
        gradient="caffe",
    )
    x, labels = z["bottom0"], z.labels("bottom1")
    head.build(x.shape)
    head.kernel.assign(z["param0"].T)
    assert head.kernel.constraint is None
    steps = z.meta["steps"]
    for step in range(steps):
        p = f"s{step}_" if steps > 1 else ""
        y, dx, dw = run(head, x, labels, z[f"{p}top_diff0"])
        agree(y, z[f"{p}top0"], "top0")
        agree(dx, z[f"{p}bottom_diff0"], "bottom_diff0")
        agree(dw.T, z[f"{p}param_diff0"], "param_diff0")
        # `run` leaves the state as it was; this advances the step.
        head(x.astype("float32"), labels=labels, training=True)
        assert int(head.annealing_step) == start + step + 1
        strength = head.annealing(int(head.annealing_step))
        agree(strength, z[f"{p}top1"], "lambda")


def test_every_recording_is_there():
    if not GOLDEN.is_dir():
        pytest.skip(f"{GOLDEN} is absent: only the fixtures were compared")
    found = names("labelspecificadd_*")
    assert len(found) == 32
    # The annealed margin in training: 2 schedules, 2 seeds.
    assert sum(map(left_out, found)) == 4
    found = names("largemargininnerproduct_*")
    assert len(found) == 24
    assert not any(map(left_out, found))
