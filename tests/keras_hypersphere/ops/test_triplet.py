"""C-triplet loss compared with loops over samples and agents."""

import itertools

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.ops.triplet import triplet
from keras_hypersphere.testing.gradients import gradients

DEFAULTS = {
    "margin": 0.8,
    "hardest_only": True,
    "center_pull": True,
    "positive_weight": 1.0,
    "negative_weight": 1.0,
    "positive_first": False,
    "positive_upper_bound": 1.0,
}
SETTINGS = [
    {"hardest_only": hardest, "center_pull": pull, **more}
    for hardest, pull, more in itertools.product(
        (True, False),
        (True, False),
        (
            {},
            {"margin": 0.1},
            {"positive_weight": 2.0, "negative_weight": 0.3},
            {"positive_first": True, "positive_upper_bound": 0.6},
        ),
    )
]
LABELS = np.array([0, 1, 4, 2, 3, 0, 0])


def oracle(d, labels, gradient, **options):
    """Values per sample and the gradient of their sum, by loops."""
    o = {**DEFAULTS, **options}
    values, slopes = np.zeros(len(d)), np.zeros(d.shape)
    for i, y in enumerate(labels):
        near = d[i, y]
        hinges = {
            j: o["negative_weight"] * (near + o["margin"] - d[i, j])
            for j in range(d.shape[1])
            if j != y and near + o["margin"] > d[i, j]
        }
        if o["positive_first"] and near > o["positive_upper_bound"]:
            hinges = {}
        if hinges and o["hardest_only"]:
            worst = max(hinges, key=hinges.get)
            hinges = {worst: hinges[worst]}
        values[i] = sum(hinges.values())
        if gradient == "caffe" and o["hardest_only"]:
            hinges = {j: h for j, h in hinges.items() if d[i, j] != 0}
        for j in hinges:
            slopes[i, j] = -o["negative_weight"]
        if gradient == "exact" and hinges:
            slopes[i, y] = o["negative_weight"] * len(hinges)
        elif hinges or o["center_pull"]:
            slopes[i, y] = o["positive_weight"]
    return values, slopes


def ours(d, labels, gradient, **options):
    labels = ops.convert_to_tensor(labels, "int32")

    def function(d):
        losses = triplet(
            d, labels, gradient=gradient, **{**DEFAULTS, **options}
        )
        return ops.sum(losses), losses

    result = gradients(function, [d])
    return result.outputs, result.inputs[0]


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize("options", SETTINGS)
def test_follows_the_loops(options, gradient):
    rng = np.random.default_rng(len(str(options)))
    d = rng.uniform(0, 2.2, size=(7, 5)).astype("float32")
    d[0, 3] = 0.0
    # The last row violates nothing.
    d[6] = [0.05, 2.0, 2.1, 1.9, 1.8]
    losses, slopes = ours(d, LABELS, gradient, **options)
    wanted = oracle(d.astype("float64"), LABELS, gradient, **options)
    np.testing.assert_allclose(losses, wanted[0], atol=2e-6)
    np.testing.assert_allclose(slopes, wanted[1], atol=1e-6)


@pytest.mark.parametrize(
    "options", [s for s in SETTINGS if not s["center_pull"]]
)
def test_the_exact_gradient_is_the_derivative(options):
    d = np.random.default_rng(3).uniform(0, 2.2, size=(7, 5))
    slopes = oracle(d, LABELS, "exact", **options)[1]
    step = 1e-6
    for i, j in np.ndindex(d.shape):
        up, down = d.copy(), d.copy()
        up[i, j] += step
        down[i, j] -= step
        rise = (
            oracle(up, LABELS, "exact", **options)[0].sum()
            - oracle(down, LABELS, "exact", **options)[0].sum()
        )
        assert rise / (2 * step) == pytest.approx(slopes[i, j], abs=1e-6)


def test_equal_hardest_agents_share_nothing():
    """The first is pushed, not half of each."""
    d = np.array([[0.5, 0.6, 0.6]], "float32")
    losses, slopes = ours(d, [0], "exact")
    np.testing.assert_allclose(losses, [0.7], atol=1e-6)
    np.testing.assert_array_equal(slopes, [[1.0, -1.0, 0.0]])
