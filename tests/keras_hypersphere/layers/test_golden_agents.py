"""InnerDistance, the agent losses and CenterLoss beside real Caffe.

Each file of the four groups agrees to 1e-5 with the float64 run, or stands in
docs/fidelity-exclusions.md, whose claims are tested too.
"""

import fnmatch
import re
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.losses.agent_triplet_loss import AgentTripletLoss
from keras_hypersphere.testing.gradients import gradients

ROOT = Path(__file__).parents[3]
FOLDERS = (ROOT / ".." / "shared" / "golden", ROOT / "tests/fixtures/golden")
GROUPS = (
    "innerdistance_*",
    "gpuemul_innerdistance_*",
    "generalcontrastive_*",
    "generaltriplet_*",
    "cf_centerloss_*",
    "ms_centerloss_*",
)
COUNT = 20 + 4 + 30 + 18 + 12
TOLERANCE = 1e-5
NAMES = sorted(
    {
        path.stem
        for folder in FOLDERS
        for group in GROUPS
        for path in folder.glob(f"{group}.npz")
    }
)
ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \| (bug|concept) \| (.+) \|$")
TABLE = [
    match.groups()
    for line in (ROOT / "docs/fidelity-exclusions.md").read_text().splitlines()
    if (match := ROW.match(line))
]


def exclusion(name):
    """The arrays of a recording that differ, and why."""
    for pattern, arrays, _, reason in TABLE:
        if fnmatch.fnmatch(name, pattern):
            return arrays.split(), reason
    return [], ""


def option(meta, name, default=None):
    found = re.search(rf"\b{name}: \"?([\w.]+)", meta["prototxt"])
    if not found:
        return default
    word = found.group(1)
    return {"true": True, "false": False}.get(word, word)


def inner_distance(z):
    """Ours and the recorded arrays of an InnerDistance recording."""
    x = z["bottom0"].astype("float32")
    x = x.reshape(len(x), -1)
    own = "param0" in z
    kernel = (z["param0"] if own else z["bottom1"]).astype("float32")
    # The original reads a transposed blob in its memory's order.
    shape = kernel.shape
    kernel = kernel.reshape(-1, x.shape[1])
    center_only = bool(option(z.meta, "update_center_only"))
    layer = InnerDistance(
        len(kernel),
        distance=str(option(z.meta, "distance_type", "L2")).lower(),
        normalize_kernel=bool(option(z.meta, "normalize", False)),
        update_center_only=center_only,
        gradient="caffe",
        epsilon=0.0 if z.meta["emulated"] else 1e-6,
    )
    layer.build(x.shape)
    layer.kernel.assign(kernel)
    labels = z.labels("bottom2") if center_only else None
    weights = ops.convert_to_tensor(z["top_diff0"].astype("float32"))

    def function(x):
        y = layer(x, labels)
        return ops.sum(y * weights), y

    result = gradients(function, [x], [layer.kernel])
    ours = {
        "top0": result.outputs,
        "bottom_diff0": result.inputs[0],
        "weight_diff": result.variables[0],
    }
    theirs = {
        "top0": z["top0"],
        "bottom_diff0": z["bottom_diff0"].reshape(x.shape),
        "weight_diff": z["param_diff0" if own else "bottom_diff1"],
    }
    ours["weight_diff"] = ours["weight_diff"].reshape(shape)
    if "param0_after" in z:
        ours["param0_after"] = layer.kernel.constraint(layer.kernel.value)
        theirs["param0_after"] = z["param0_after"]
    return ours, theirs


def number(meta, name, default):
    return float(option(meta, name, default))


def contrastive_arguments(meta):
    outlier = number(meta, "positive_outlier_thresh", 4.0)
    normalize = option(meta, "normalize_negative")
    return {
        "positive_margin": number(meta, "positive_margin", 0.0),
        "negative_margin": number(meta, "negative_margin", 1.0),
        "positive_weight": number(meta, "positive_weight", 1.0),
        "negative_weight": number(meta, "negative_weight", 1.0),
        "positive_outlier": outlier,
        "normalize_negative": None if normalize is None else float(normalize),
        "max_negative_only": option(meta, "max_negative_only", False),
        "max_positive_only": option(meta, "max_positive_only", False),
        "positive_first": option(meta, "positive_first", False),
        "positive_upper_bound": number(meta, "positive_upper_bound", 1.0),
        "exponential_negative": option(meta, "exp_negative_weight", False),
        "max_negative_margin": number(meta, "max_negative_margin", 1.2),
        "gradient": "caffe",
    }


def from_distances(z, loss, prefix=""):
    """A loss of distances; the recorded gradient has the loss's weight."""
    d = z[f"{prefix}bottom0"].astype("float32")
    labels = z.labels("bottom1")
    weight = number(z.meta, "loss_weight", 1.0)

    def function(d):
        value = loss(labels, d)
        return weight * value, value

    result = gradients(function, [d])
    return {"top0": result.outputs, "bottom_diff0": result.inputs[0]}, {
        "top0": z[f"{prefix}top0"],
        "bottom_diff0": z[f"{prefix}bottom_diff0"],
    }


def contrastive(z):
    if option(z.meta, "add_intra_mae"):
        return adaptive(z)
    return from_distances(
        z, AgentContrastiveLoss(**contrastive_arguments(z.meta))
    )


def adaptive(z):
    """Four steps in which the margin moves: state, so the layer."""
    d = z["s0_bottom0"]
    layer = AgentContrastive(
        d.shape[1], adaptive_margin=True, **contrastive_arguments(z.meta)
    )
    layer.build(d.shape)
    labels = ops.convert_to_tensor(z.labels("bottom1"))
    weight = number(z.meta, "loss_weight", 1.0)
    ours, theirs = {}, {}
    for step in range(z.meta["steps"]):
        d = z[f"s{step}_bottom0"].astype("float32")

        def function(d):
            value = ops.mean(layer.agent_losses(d, labels, training=False))
            return weight * value, value

        result = gradients(function, [d])
        # The function's state is forgotten; this moves the margin.
        layer.agent_losses(ops.convert_to_tensor(d), labels, training=True)
        ours[f"s{step}_top0"] = result.outputs
        ours[f"s{step}_bottom_diff0"] = result.inputs[0]
        ours[f"s{step}_margin"] = np.array(layer.intra_distance)
        for key in ("top0", "bottom_diff0"):
            theirs[f"s{step}_{key}"] = z[f"s{step}_{key}"]
        theirs[f"s{step}_margin"] = z[f"s{step}_top1"][2]
    return ours, theirs


def triplet(z):
    loss = AgentTripletLoss(
        margin=number(z.meta, "margin", 0.2),
        hardest_only=option(z.meta, "hardest_only", False),
        center_pull=option(z.meta, "add_center_loss", True),
        positive_weight=number(z.meta, "positive_weight", 1.0),
        negative_weight=number(z.meta, "negative_weight", 1.0),
        positive_first=option(z.meta, "positive_first", False),
        positive_upper_bound=number(z.meta, "positive_upper_bound", 1.0),
        gradient="caffe",
    )
    return from_distances(z, loss)


def center(z):
    x = z["bottom0"].astype("float32")
    layer = CenterLoss(
        len(z["param0"]),
        loss_weight=number(z.meta, "loss_weight", 1.0),
        gradient="caffe",
    )
    layer.build(x.shape)
    layer.centers.assign(z["param0"])
    labels = z.labels("bottom1")

    def function(x):
        y = layer(x, labels, training=True)
        (loss,) = layer.losses
        return loss, [loss, y]

    result = gradients(function, [x], [layer.centers])
    np.testing.assert_array_equal(result.outputs[1], x)
    return {
        "loss": result.outputs[0],
        "bottom_diff0": result.inputs[0],
        "weight_diff": result.variables[0],
    }, {
        "loss": z["loss"],
        "bottom_diff0": z["bottom_diff0"],
        "weight_diff": z["param_diff0"],
    }


RUNS = {
    "InnerDistance": inner_distance,
    "GeneralContrastiveLoss": contrastive,
    "GeneralTripletLoss": triplet,
    "CenterLoss": center,
}


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_caffe(name, recording):
    excluded, reason = exclusion(name)
    if excluded == ["*"]:
        pytest.skip(f"{name} is left out: {reason}")
    z = recording(name)
    ours, theirs = RUNS[z.meta["layer_type"]](z)
    assert ours.keys() == theirs.keys()
    assert set(excluded) <= ours.keys()
    for key, reference in theirs.items():
        found = np.asarray(ops.convert_to_numpy(ours[key]), "float64")
        assert found.shape == reference.shape, key
        error = np.abs(found - reference).max() / np.abs(reference).max()
        if key in excluded:
            assert error > TOLERANCE, f"{key} agrees: take it off the table"
        else:
            assert error <= TOLERANCE, f"{key} is off by {error:.2g}"


def test_every_recording_is_there():
    if not FOLDERS[0].is_dir():
        pytest.skip(f"{FOLDERS[0]} is absent: only the fixtures were compared")
    assert len(NAMES) == COUNT
    left_out = [n for n in NAMES if exclusion(n)[0]]
    # 10 by the L1 macro, 2 by the third input, 2 + 4 of ms's CenterLoss.
    assert len(left_out) == 18


def test_every_exclusion_is_used():
    if not FOLDERS[0].is_dir():
        pytest.skip(f"{FOLDERS[0]} is absent")
    for pattern, *_ in TABLE:
        if any(fnmatch.fnmatch(pattern, f"*{g}*") for g in GROUPS):
            assert fnmatch.filter(NAMES, pattern), pattern
