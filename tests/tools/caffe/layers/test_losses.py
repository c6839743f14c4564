"""Losses: recordings, and by hand those that were not recorded."""

import keras
import numpy as np
import pytest

from keras_hypersphere.testing.gradients import gradients
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    to_keras,
    verify,
)
from tests.fidelity.ledger import TOLERANCE
from tests.fidelity.recording import load, names
from tests.tools.caffe.recorded_training import Converted

pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")

RNG = np.random.default_rng(2)
# Refused: another kind of loss, and what no derivative gives.
UNSUPPORTED = {
    "softmaxwithloss_class_weight_s0": "`class_weight`",
    "softmaxwithloss_label_smooth_ignored_on_cpu_s0": "`label_smooth_factor`",
    "softmaxwithloss_normtypeL2_s0": "`normalize_type",
    "generalcontrastive_3bottom_s0": "third bottom",
    "ms_centerloss_L1_distinct_s0": "`distance_type",
}
FAMILIES = (
    "softmaxwithloss_*_s0",
    "generalcontrastive_*_s0",
    "generaltriplet_*_s0",
    "cf_centerloss_*_s0",
    "ms_centerloss_L2_*_s0",
    "accuracy_*_s0",
)


@pytest.mark.parametrize(
    "name",
    [
        name
        for family in FAMILIES
        for name in names(family)
        if name not in UNSUPPORTED and "perclass" not in name
    ],
)
def test_matches_the_recording(name, tmp_path):
    z = load(name)
    z.meta["phase"] = "TRAIN"
    converted = Converted(z, tmp_path)
    different = converted.differences()
    assert different
    assert max(different.values()) <= TOLERANCE, different


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_refuses_the_recording(name, tmp_path):
    with pytest.raises(UnsupportedLayerError, match=UNSUPPORTED[name]):
        Converted(load(name), tmp_path)


def inputs(**shapes):
    return "".join(
        f'input: "{name}" input_shape {{ '
        + " ".join(f"dim: {size}" for size in shape)
        + " }\n"
        for name, shape in shapes.items()
    )


def values(write, text, **arrays):
    """The total of the losses, and its gradients by the float arrays."""
    shapes = {name: array.shape for name, array in arrays.items()}
    model = to_keras(write(inputs(**shapes) + text), phase="TRAIN")
    floats = [k for k, a in arrays.items() if a.dtype == "float32"]
    whole = {
        k: keras.ops.convert_to_tensor(a)
        for k, a in arrays.items()
        if k not in floats
    }

    def total(*tensors):
        model(whole | dict(zip(floats, tensors, strict=True)), training=True)
        (loss,) = model.losses
        return loss, loss

    result = gradients(total, [arrays[k] for k in floats])
    return float(result.value), dict(zip(floats, result.inputs, strict=True))


def test_euclidean(write):
    x, y = RNG.normal(size=(2, 4, 3)).astype("f4")
    loss, by = values(
        write,
        'layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "y" '
        'top: "l" loss_weight: 3 }',
        x=x,
        y=y,
    )
    np.testing.assert_allclose(loss, 3 * ((x - y) ** 2).sum() / 8, rtol=1e-5)
    np.testing.assert_allclose(by["x"], 3 * (x - y) / 4, rtol=1e-5)
    np.testing.assert_allclose(by["y"], 3 * (y - x) / 4, rtol=1e-5)


@pytest.mark.parametrize("norm", ["L1", "L2"])
def test_hinge(write, norm):
    x, labels = RNG.normal(size=(4, 3)).astype("f4"), np.array([0, 2, 1, 2])
    loss, by = values(
        write,
        'layer { name: "l" type: "HingeLoss" bottom: "x" bottom: "label" '
        f'top: "l" hinge_loss_param {{ norm: {norm} }} }}',
        x=x,
        label=labels,
    )
    sign = np.where(np.arange(3) == labels[:, None], 1, -1)
    hinge = np.maximum(0, 1 - sign * x)
    power = int(norm[1])
    np.testing.assert_allclose(loss, (hinge**power).sum() / 4, rtol=1e-5)
    slope = -sign * (hinge > 0) * (2 * hinge if power == 2 else 1) / 4
    np.testing.assert_allclose(by["x"], slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("options", "divisor"),
    [("", 4), ("normalization: VALID", 11), ("normalization: FULL", 12)],
)
def test_sigmoid_cross_entropy(write, options, divisor):
    x = 3 * RNG.normal(size=(4, 3)).astype("f4")
    t = RNG.uniform(size=(4, 3)).astype("f4").round(1)
    t[1, 2] = 7.25  # Cut to 7 before it is compared.
    loss, by = values(
        write,
        'layer { name: "l" type: "SigmoidCrossEntropyLoss" bottom: "x" '
        f'bottom: "t" top: "l" loss_param {{ ignore_label: 7 {options} }} }}',
        x=x,
        t=t,
    )
    p = 1 / (1 + np.exp(-x.astype("f8")))
    terms = -(t * np.log(p) + (1 - t) * np.log(1 - p)) * (t < 7)
    np.testing.assert_allclose(loss, terms.sum() / divisor, rtol=1e-5)
    slope = (p - t) * (t < 7) / divisor
    np.testing.assert_allclose(by["x"], slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("legacy", ["true", "false"])
def test_contrastive_loss_of_two_branches(write, legacy):
    a, b = (0.5 * RNG.normal(size=(2, 6, 4))).astype("f4")
    b[5] = a[5]
    alike = np.array([1, 0, 1, 0, 0, 0])
    loss, by = values(
        write,
        'layer { name: "l" type: "ContrastiveLoss" bottom: "a" bottom: "b" '
        'bottom: "sim" top: "l" contrastive_loss_param { margin: 1.5 '
        f"legacy_version: {legacy} }} }}",
        a=a,
        b=b,
        sim=alike,
    )
    squared = ((a - b) ** 2).sum(1).astype("f8")
    distance = np.sqrt(squared)
    if legacy == "true":
        far, slope = np.maximum(1.5 - squared, 0), -1.0 * (squared < 1.5)
    else:
        gap = np.maximum(1.5 - distance, 0)
        far, slope = gap**2, -gap / (distance + 1e-4)
    assert far.any() and not far.all()
    expected = np.where(alike, squared, far).sum() / 12
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    pull = np.where(alike, 1, slope)[:, None] * (a - b) / 6
    np.testing.assert_allclose(by["a"], pull, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(by["b"], -pull, rtol=1e-4, atol=1e-7)


def test_any_top_may_have_a_weight(write):
    """As in Caffe, where the loss is a weighted sum of tops."""
    x = RNG.normal(size=(4, 3)).astype("f4")
    loss, by = values(
        write,
        'layer { name: "p" type: "Power" bottom: "x" top: "p" '
        "power_param { power: 2 } loss_weight: 0.5 }",
        x=x,
    )
    np.testing.assert_allclose(loss, 0.5 * (x**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(by["x"], x, rtol=1e-4, atol=1e-6)


def test_a_loss_without_a_top_counts(write):
    x, y = RNG.normal(size=(2, 4, 3)).astype("f4")
    text = 'layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "y" }'
    loss, _ = values(write, text, x=x, y=y)
    np.testing.assert_allclose(loss, ((x - y) ** 2).sum() / 8, rtol=1e-5)


def test_classes_of_pixels(write):
    x = RNG.normal(size=(2, 5, 3, 4)).astype("f4")
    labels = RNG.integers(0, 5, (2, 1, 3, 4))
    shapes = inputs(x=x.shape, label=labels.shape)
    path = write(
        shapes + 'layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" '
        'bottom: "label" top: "l" }'
    )
    model = to_keras(path, phase="TRAIN")
    loss = model(
        {"x": x.transpose(0, 2, 3, 1), "label": labels.transpose(0, 2, 3, 1)},
        training=True,
    )
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    own = np.take_along_axis(p, labels, 1)
    np.testing.assert_allclose(float(loss), -np.log(own).mean(), rtol=1e-5)


@pytest.mark.parametrize(("number", "divisor"), [(8, 8), (0.5, 1)])
def test_a_number_of_the_prototxt_divides_the_loss(write, number, divisor):
    """Intel's and R-FCN's PRE_FIXED, of at least 1."""
    x = RNG.normal(size=(6, 5)).astype("f4")
    labels = RNG.integers(0, 5, 6)
    path = write(
        inputs(x=x.shape, label=labels.shape)
        + 'layer { name: "l" type: "SoftmaxWithLoss" bottom: "x" bottom: '
        '"label" top: "l" loss_param { normalization: PRE_FIXED '
        f"pre_fixed_normalizer: {number} }} }}"
    )
    model = to_keras(path, phase="TRAIN")
    loss = float(model({"x": x, "label": labels}, training=True))
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    own = p[np.arange(6), labels]
    np.testing.assert_allclose(loss, -np.log(own).sum() / divisor, rtol=1e-5)
    assert verify(model, path, phase="TRAIN").passed
    model.compile("sgd")
    history = model.fit({"x": x, "label": labels}, verbose=0, batch_size=6)
    np.testing.assert_allclose(history.history["loss"][0], loss, rtol=1e-5)


LOSS = 'layer {{ name: "l" type: "{}" {} top: "l" }}'
TWO = 'bottom: "x" bottom: "label"'
REFUSED = {
    "bottoms": (LOSS.format("SoftmaxWithLoss", 'bottom: "x"'), "1 bottoms"),
    "tops": (
        LOSS.format("SoftmaxWithLoss", TWO + 'top: "b"'),
        "2 tops; it makes at most 1",
    ),
    "weights": (
        LOSS.format("SoftmaxWithLoss", TWO + "loss_weight: 1 loss_weight: 1"),
        "1 tops and 2 `loss_weight`",
    ),
    "weights_of_two_tops": (
        LOSS.format("GeneralTripletLoss", TWO + 'top: "b"'),
        "2 tops and no `loss_weight`",
    ),
    "weight_of_a_layer": (
        LOSS.format("ReLU", 'bottom: "x" loss_weight: 1 loss_weight: 1'),
        "1 tops and 2 `loss_weight`",
    ),
}


@pytest.mark.parametrize("phase", ["TEST", "TRAIN"])
@pytest.mark.parametrize("case", REFUSED)
def test_refuses_in_either_phase(case, phase, write):
    text, words = REFUSED[case]
    with pytest.raises(CaffeFormatError, match=words) as caught:
        to_keras(write(inputs(x=(4, 3), label=(4,)) + text), phase=phase)
    assert caught.value.layer == "l"


UNTRAINED = {
    "labels": (
        LOSS.format("SoftmaxWithLoss", TWO),
        CaffeFormatError,
        "needs 1 labels for each sample",
    ),
    "sizes": (
        LOSS.format("EuclideanLoss", TWO),
        CaffeFormatError,
        "different sizes",
    ),
    "type": (
        LOSS.format("InfogainLoss", TWO),
        UnsupportedLayerError,
        "training with this loss",
    ),
    "option": (
        LOSS.format(
            "SoftmaxWithLoss", TWO + "softmax_param { hard_ratio: 1e-1 }"
        ),
        UnsupportedLayerError,
        "`hard_ratio`",
    ),
    "propagate_down": (
        LOSS.format("EuclideanLoss", TWO + "propagate_down: true"),
        CaffeFormatError,
        "2 bottoms and 1 `propagate_down`",
    ),
}


@pytest.mark.parametrize("case", UNTRAINED)
def test_refuses_to_train(case, write):
    text, error, words = UNTRAINED[case]
    with pytest.raises(error, match=words) as caught:
        to_keras(write(inputs(x=(4, 3), label=(4, 2)) + text), phase="TRAIN")
    assert caught.value.layer == "l"
    assert to_keras(
        write(
            inputs(x=(4, 3), label=(4, 2))
            + text.replace("propagate_down: true", "")
        )
    ).output_names == ["x"]
