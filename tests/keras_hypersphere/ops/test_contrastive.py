"""C-contrastive loss compared with loops over samples and agents."""

import math

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.ops import contrastive as module
from keras_hypersphere.ops.contrastive import chosen_row, contrastive
from keras_hypersphere.testing.gradients import array, gradients

DEFAULTS = {
    "positive_margin": 0.0,
    "negative_margin": 1.0,
    "positive_weight": 1.0,
    "negative_weight": 1.0,
    "positive_outlier": 4.0,
    "normalize_negative": None,
    "max_negative_only": False,
    "max_positive_only": False,
    "positive_first": False,
    "positive_upper_bound": 1.0,
    "exponential_negative": False,
}
SETTINGS = [
    {},
    {"positive_margin": 0.3, "negative_margin": 1.4},
    {"positive_weight": 2.0, "negative_weight": 0.3},
    {"positive_outlier": 0.8, "positive_margin": 0.2},
    {"exponential_negative": True, "negative_margin": 1.5},
    {"max_negative_only": True, "negative_margin": 1.7},
    {
        "max_negative_only": True,
        "exponential_negative": True,
        "negative_margin": 1.7,
    },
    {"max_positive_only": True},
    {"positive_first": True, "positive_upper_bound": 0.9},
    {
        "positive_first": True,
        "max_positive_only": True,
        "max_negative_only": True,
        "positive_upper_bound": 0.7,
    },
    {"normalize_negative": 0.5, "negative_margin": 1.5},
    {"normalize_negative": 0.0, "negative_margin": 1.5},
    {
        "normalize_negative": 0.4,
        "negative_margin": 1.5,
        "exponential_negative": True,
        "positive_weight": 0.5,
    },
]


def oracle(d, labels, gradient, **options):
    """Values per sample and the gradient of their sum, by loops."""
    o = {**DEFAULTS, **options}
    caffe = gradient == "caffe"
    n, c = d.shape
    values, slopes = np.zeros((n, c)), np.zeros((n, c))
    kept = np.ones((n, c), bool)
    hinges = []
    for i, y in enumerate(labels):
        hinge = max(0.0, d[i, y] - o["positive_margin"])
        hinges.append(min(o["positive_outlier"], hinge))
        values[i, y] = o["positive_weight"] * hinges[-1]
        end = o["positive_outlier"]
        if not caffe:
            end += o["positive_margin"]
        if o["positive_margin"] < d[i, y] < end:
            slopes[i, y] = o["positive_weight"]
        for j in range(c):
            if j == y or d[i, j] >= o["negative_margin"]:
                continue
            if o["exponential_negative"]:
                values[i, j] = o["negative_weight"] * math.exp(-d[i, j])
                slopes[i, j] = -values[i, j]
            else:
                gap = o["negative_margin"] - d[i, j]
                values[i, j] = o["negative_weight"] * gap
                slopes[i, j] = -o["negative_weight"]
        if o["max_negative_only"]:
            best = 0 if caffe or y != 0 else 1
            for j in range(c):
                if j != y and values[i, j] > values[i, best]:
                    best = j
            kept[i] = [j in (y, best) for j in range(c)]
    if o["max_positive_only"]:
        own = [values[i, y] for i, y in enumerate(labels)]
        one = int(np.argmin(own) if caffe else np.argmax(own))
        for i, y in enumerate(labels):
            kept[i, y] = i == one
    values, slopes = values * kept, slopes * kept
    for i, y in enumerate(labels):
        if o["positive_first"] and d[i, y] > o["positive_upper_bound"]:
            others = np.arange(c) != y
            values[i, others] = slopes[i, others] = 0.0
            if caffe:
                slopes[i, y] = o["positive_weight"]
    if o["normalize_negative"] is not None:
        total = -slopes[slopes < 0].sum()
        allowed = o["normalize_negative"] * n
        if total > o["positive_weight"] * allowed:
            slopes[slopes < 0] *= allowed / total
    return values.sum(1), slopes, np.array(hinges)


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize("options", SETTINGS)
def test_follows_the_loops(options, gradient):
    rng = np.random.default_rng(len(str(options)))
    d = rng.uniform(0, 2.2, size=(9, 5)).astype("float32")
    labels = np.array([0, 0, 1, 2, 4, 3, 0, 1, 0])

    def function(d):
        losses, hinges = contrastive(
            d,
            ops.convert_to_tensor(labels, "int32"),
            gradient=gradient,
            **{**DEFAULTS, **options},
        )
        return ops.sum(losses), [losses, hinges]

    result = gradients(function, [d])
    losses, slopes, hinges = oracle(
        d.astype("float64"), labels, gradient, **options
    )
    np.testing.assert_allclose(result.outputs[0], losses, atol=2e-6)
    np.testing.assert_allclose(result.outputs[1], hinges, atol=1e-6)
    np.testing.assert_allclose(result.inputs[0], slopes, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [s for s in SETTINGS if "normalize_negative" not in s],
)
def test_the_exact_gradient_is_the_derivative(options):
    """Of the loop's value, whose slopes the test above takes for granted."""
    rng = np.random.default_rng(7)
    d = rng.uniform(0, 2.2, size=(6, 4))
    labels = np.array([0, 0, 1, 2, 3, 0])
    _, slopes, _ = oracle(d, labels, "exact", **options)
    step = 1e-6
    for i in range(6):
        for j in range(4):
            up, down = d.copy(), d.copy()
            up[i, j] += step
            down[i, j] -= step
            rise = (
                oracle(up, labels, "exact", **options)[0].sum()
                - oracle(down, labels, "exact", **options)[0].sum()
            )
            assert rise / (2 * step) == pytest.approx(slopes[i, j], abs=1e-6)


def test_the_two_modes_differ_where_documented():
    d = np.random.default_rng(0).uniform(0, 2.2, size=(9, 5))
    labels = np.array([0, 0, 1, 2, 4, 3, 0, 1, 0])
    for options in (
        {"max_negative_only": True},
        {"max_positive_only": True},
        {"positive_outlier": 0.5, "positive_margin": 0.6},
    ):
        exact = oracle(d, labels, "exact", **options)[1]
        caffe = oracle(d, labels, "caffe", **options)[1]
        assert np.abs(exact - caffe).max() > 0.1


@pytest.mark.parametrize(("weight", "share"), [(1.0, 0.5), (3.0, 1.0)])
def test_the_bound_of_the_negatives_has_the_weight_of_the_positives(
    weight, share
):
    """Slopes of 1 each, where 0.5 are allowed, or 1.5."""
    options = {"normalize_negative": 0.5, "positive_weight": weight}
    labels = ops.convert_to_tensor([0, 1], "int32")

    def function(d):
        losses, _ = contrastive(
            d, labels, gradient="exact", **{**DEFAULTS, **options}
        )
        return ops.sum(losses), losses

    result = gradients(function, [np.full((2, 2), 0.5, "float32")])
    slopes = [[weight, -share], [-share, weight]]
    np.testing.assert_allclose(result.inputs[0], slopes)


def test_the_chosen_row_is_one_of_all_replicas(monkeypatch):
    """As the second replica sees it, whose rows come after two others."""
    others = np.array([[5.0], [0.0]], "float32")

    def gather(x):
        return ops.concatenate([ops.convert_to_tensor(others), x]), 2

    monkeypatch.setattr(module.replicas, "gather_over_replicas", gather)
    kept = ops.ones((3, 1), "bool")
    for own, wanted in (
        ([1.0, 7.0, 2.0], [False, True, False]),
        ([1.0, 4.0, 2.0], [False, False, False]),
        # The first of equals is on the other replica.
        ([5.0, 1.0, 5.0], [False, False, False]),
    ):
        x = ops.convert_to_tensor(np.array(own, "float32")[:, None])
        assert array(chosen_row(x, kept))[:, 0].tolist() == wanted


def test_no_slope_at_distance_zero():
    labels = ops.convert_to_tensor([0], "int32")

    def function(d):
        losses, _ = contrastive(d, labels, gradient="exact", **DEFAULTS)
        return ops.sum(losses), losses

    result = gradients(function, [np.array([[0.0, 1.0]], "float32")])
    np.testing.assert_array_equal(result.outputs, [0.0])
    np.testing.assert_array_equal(result.inputs[0], [[0.0, 0.0]])
