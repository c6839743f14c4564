import math

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.arc_face import ArcFace
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.testing.gradients import array, gradients
from tests.keras_hypersphere.backends import float64

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
W = RNG.normal(size=(4, 5)).astype("float32")
LABELS = np.array([0, 4, 2, 2, 1, 3])
G = RNG.normal(size=(6, 5)).astype("float32")


def made(kernel=W, **arguments):
    kernel = np.asarray(kernel, "float32")
    head = ArcFace(kernel.shape[1], **arguments)
    head.build((None, kernel.shape[0]))
    head.kernel.assign(kernel)
    return head


def bent(cosine, margin, easy=False):
    theta = math.acos(max(-1.0, min(1.0, cosine)))
    if easy:
        return math.cos(theta + margin) if cosine > 0 else cosine
    if theta < math.pi - margin:
        return math.cos(theta + margin)
    return cosine - margin * math.sin(margin)


def loop(x, w, labels, margin=0.5, scale=64.0, easy=False, annealing_value=0.0):
    x, w = np.asarray(x, "float64"), np.asarray(w, "float64")
    out = np.zeros((len(x), w.shape[1]))
    for i in range(len(x)):
        for j in range(w.shape[1]):
            lengths = np.sqrt(x[i] @ x[i]) * np.sqrt(w[:, j] @ w[:, j])
            value = cosine = x[i] @ w[:, j] / lengths
            if j == labels[i]:
                value = annealing_value * cosine + bent(cosine, margin, easy)
                value /= 1 + annealing_value
            out[i, j] = scale * value
    return out


def output(head, x, **arguments):
    return array(head(x, **arguments))


def derivatives(head, x, labels, upstream):
    def function(x):
        y = head(x, labels=labels, training=True)
        return ops.sum(ops.multiply(y, upstream)), y

    result = gradients(function, [x], [head.kernel])
    return result.outputs, result.inputs[0], result.variables[0]


@pytest.mark.parametrize(
    ("degrees", "expected", "easy"),
    [
        (0, 60, 60),
        (30, 90, 90),
        (60, 120, 120),
        (100, 160, 100),
        # Beyond 120 degrees: cos(theta) - m sin(m), 0.9069 below it.
        (150, None, 150),
        (180, None, 180),
    ],
)
def test_sixty_degrees_by_hand(degrees, expected, easy):
    angle = math.radians(degrees)
    x = np.float32([[math.cos(angle), math.sin(angle)]])
    margin = math.pi / 3
    head = made(np.eye(2), margin=margin, scale=1.0)
    y = output(head, x, labels=[0], training=True)
    wanted = (
        math.cos(angle) - 0.9068997
        if expected is None
        else math.cos(math.radians(expected))
    )
    np.testing.assert_allclose(y, [[wanted, math.sin(angle)]], atol=1e-6)
    head = made(np.eye(2), margin=margin, scale=1.0, easy_margin=True)
    y = output(head, x, labels=[0], training=True)
    wanted = math.cos(math.radians(easy))
    np.testing.assert_allclose(y, [[wanted, math.sin(angle)]], atol=1e-6)


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize("easy", [False, True])
@pytest.mark.parametrize("margin", [0.0, 0.5, 1.5, 2.5])
def test_equals_loops(gradient, easy, margin):
    head = made(gradient=gradient, margin=margin, easy_margin=easy)
    y = output(head, X, labels=LABELS[:, None], training=True)
    expected = loop(X, W, LABELS, margin, easy=easy)
    np.testing.assert_allclose(y, expected, atol=1e-4)


@pytest.mark.parametrize("easy", [False, True])
@pytest.mark.parametrize("margin", [0.5, 1.5])
def test_exact_gradients_are_derivatives(easy, margin):
    options = {"margin": margin, "scale": 2.0}
    head = made(easy_margin=easy, **options)
    _, dx, dw = derivatives(head, X, LABELS, G)
    for start, ours, which in ((X, dx, 0), (W, dw, 1)):
        numeric = np.zeros(start.shape)
        for place in np.ndindex(start.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [X.astype("float64"), W.astype("float64")]
                moved[which][place] += step
                value = loop(*moved, LABELS, easy=easy, **options)
                ends.append((value * G).sum())
            numeric[place] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(ours, numeric, atol=2e-5, rtol=2e-5)


def test_caffe_kernel_gradient_passes_straight_to_unit_columns():
    head = made(gradient="caffe", scale=3.0)
    _, dx, dw = derivatives(head, X, LABELS, G)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    slope = np.ones(G.shape)
    for i, label in enumerate(LABELS):
        c = unit[i] @ W[:, label] / np.linalg.norm(W[:, label])
        if c > -math.cos(0.5):
            slope[i, label] = math.cos(0.5)
            slope[i, label] += c / math.sqrt(1 - c**2) * math.sin(0.5)
    np.testing.assert_allclose(dw, 3 * unit.T @ (G * slope), atol=1e-5)
    _, exact, _ = derivatives(made(scale=3.0), X, LABELS, G)
    np.testing.assert_allclose(dx, exact, atol=1e-5)
    stored = head.kernel.constraint(head.kernel)
    np.testing.assert_allclose(
        np.linalg.norm(array(stored), axis=0), 1, rtol=1e-6
    )


def test_no_margin_without_labels_or_training():
    head = made()
    plain = loop(X, W, LABELS, margin=0.0)
    for arguments in (
        {},
        {"training": True},
        {"labels": LABELS},
        {"labels": LABELS, "training": False},
    ):
        np.testing.assert_allclose(
            output(head, X, **arguments), plain, atol=1e-4
        )
    tested = output(made(margin_at_test=True), X, labels=LABELS)
    np.testing.assert_allclose(tested, loop(X, W, LABELS), atol=1e-4)


def test_annealing_weighs_the_plain_cosine():
    annealing = LambdaAnnealing(10.0, 1.0, 1.0, 0.0)
    head = made(annealing=annealing)
    for step in (1, 2):
        y = output(head, X, labels=LABELS, training=True)
        assert int(head.annealing_step) == step
        expected = loop(X, W, LABELS, annealing_value=annealing(step))
        np.testing.assert_allclose(y, expected, atol=1e-4)
    assert not made().non_trainable_weights


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize("easy", [False, True])
def test_edges_are_finite(gradient, easy):
    own = W[:, 0]
    x = np.stack([0 * own, own, -own, 1e15 * own, 1e-20 * own]).astype("f4")
    kernel = W.copy()
    kernel[:, 4] = 0
    found = derivatives(
        made(kernel, gradient=gradient, easy_margin=easy),
        x,
        np.zeros(5, int),
        np.ones((5, 5), "float32"),
    )
    assert all(np.isfinite(part).all() for part in found)
    # A zero vector is at right angles to every class.
    right = 0.0 if easy else -64 * math.sin(0.5)
    far = -64.0 if easy else -64 * (1 + 0.5 * math.sin(0.5))
    near = 64 * math.cos(0.5)
    np.testing.assert_allclose(
        found[0][:, 0], [right, near, far, near, near], rtol=1e-3, atol=1e-5
    )
    one = derivatives(
        made(np.ones((4, 1)), gradient=gradient),
        X[:1],
        [[0]],
        np.float32([[1]]),
    )
    assert one[0].shape == (1, 1)
    assert all(np.isfinite(part).all() for part in one)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_policies(policy):
    half = policy.removeprefix("mixed_")
    x = ops.cast(X, half)
    y = output(made(dtype=policy), x, labels=LABELS, training=True)
    assert y.dtype == "float32"
    rounded = array(ops.cast(x, "float32"))
    np.testing.assert_allclose(y, loop(rounded, W, LABELS), atol=1e-4)


def test_float64_policy():
    with float64():
        head = ArcFace(5, dtype="float64")
        head.build((None, 4))
        head.kernel.assign(W)
        x = ops.cast(X, "float64")
        y = output(head, x, labels=LABELS, training=True)
    assert y.dtype == "float64"
    np.testing.assert_allclose(y, loop(X, W, LABELS), rtol=1e-12)


def test_config_round_trip():
    head = made(
        margin=0.4,
        scale=20.0,
        easy_margin=True,
        annealing=LambdaAnnealing(10, 0.5, 2, 0.1, 3),
        gradient="caffe",
        margin_at_test=True,
        kernel_regularizer="l2",
    )
    config = head.get_config()
    again = ArcFace.from_config(config)
    assert again.get_config() == config
    assert again.easy_margin


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units`"),
        ({"margin": 28.6}, r"radians.*margin=28.6; for degrees"),
        ({"margin": -0.1}, r"`margin` must be .* in \[0, pi\)"),
        ({"margin": None}, "`margin` must be a finite number"),
        ({"scale": 0}, "`scale` must be a finite number above 0"),
        ({"easy_margin": "no"}, "`easy_margin`"),
        ({"annealing": 5.0}, "`annealing`"),
        ({"gradient": "published"}, "`gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        ArcFace(**{"units": 5, **arguments})


def test_one_hot_labels_are_refused():
    with pytest.raises(ValueError, match="argmax"):
        made()(X, labels=np.eye(5)[LABELS], training=True)
