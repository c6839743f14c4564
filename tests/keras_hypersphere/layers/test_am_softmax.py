import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.testing.gradients import array, gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
W = RNG.normal(size=(4, 5)).astype("float32")
LABELS = np.array([0, 4, 2, 2, 1, 3])
G = RNG.normal(size=(6, 5)).astype("float32")


def made(kernel=W, **arguments):
    kernel = np.asarray(kernel, "float32")
    head = AMSoftmax(kernel.shape[1], **arguments)
    head.build((None, kernel.shape[0]))
    head.kernel.assign(kernel)
    return head


def loop(x, w, labels, margin=0.35, scale=30.0, above_only=False):
    x, w = np.asarray(x, "float64"), np.asarray(w, "float64")
    out = np.zeros((len(x), w.shape[1]))
    for i in range(len(x)):
        for j in range(w.shape[1]):
            lengths = np.sqrt(x[i] @ x[i]) * np.sqrt(w[:, j] @ w[:, j])
            cosine = x[i] @ w[:, j] / lengths
            if j == labels[i] and (cosine > margin or not above_only):
                cosine -= margin
            out[i, j] = scale * cosine
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
    ("gradient", "expected"),
    [("caffe", [0.25, 0.35, 0.34, -0.2]), ("exact", [0.25, 0, -0.01, -0.55])],
)
def test_margin_by_hand(gradient, expected):
    cosines = ops.array([[0.6], [0.35], [0.34], [-0.2]], "float32")
    found = made(gradient=gradient).with_margin(cosines, None)
    np.testing.assert_allclose(array(found)[:, 0], expected, atol=1e-7)


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_equals_loops(gradient):
    y = output(made(gradient=gradient), X, labels=LABELS, training=True)
    expected = loop(X, W, LABELS, above_only=gradient == "caffe")
    np.testing.assert_allclose(y, expected, atol=3e-5)
    # The two modes differ on this data.
    assert not np.allclose(
        loop(X, W, LABELS), loop(X, W, LABELS, above_only=True)
    )


@pytest.mark.parametrize("margin", [0.0, 1.2, -0.3])
def test_other_margins_and_scales(margin):
    head = made(margin=margin, scale=64.0)
    y = output(head, X, labels=LABELS[:, None], training=True)
    np.testing.assert_allclose(y, loop(X, W, LABELS, margin, 64.0), atol=1e-4)


def test_exact_gradients_are_derivatives():
    _, dx, dw = derivatives(made(scale=2.0), X, LABELS, G)
    for start, ours, which in ((X, dx, 0), (W, dw, 1)):
        numeric = np.zeros(start.shape)
        for place in np.ndindex(start.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [X.astype("float64"), W.astype("float64")]
                moved[which][place] += step
                ends.append((loop(*moved, LABELS, scale=2.0) * G).sum())
            numeric[place] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(ours, numeric, atol=1e-5, rtol=1e-5)


def test_caffe_kernel_gradient_passes_straight_to_unit_columns():
    head = made(gradient="caffe", scale=3.0)
    _, dx, dw = derivatives(head, X, LABELS, G)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    np.testing.assert_allclose(dw, 3 * unit.T @ G, atol=1e-5)
    _, exact, _ = derivatives(made(scale=3.0), X, LABELS, G)
    np.testing.assert_allclose(dx, exact, atol=1e-5)
    stored = head.kernel.constraint(head.kernel)
    np.testing.assert_allclose(
        np.linalg.norm(array(stored), axis=0), 1, rtol=1e-6
    )
    assert made().kernel.constraint is None


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
            output(head, X, **arguments), plain, atol=3e-5
        )
    tested = output(made(margin_at_test=True), X, labels=LABELS)
    np.testing.assert_allclose(tested, loop(X, W, LABELS), atol=3e-5)


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_annealing_lets_the_margin_grow(gradient):
    annealing = LambdaAnnealing(10.0, 1.0, 1.0, 0.0)
    head = made(annealing=annealing, gradient=gradient)
    for step in (1, 2, 3):
        y = output(head, X, labels=LABELS, training=True)
        assert int(head.annealing_step) == step
        margin = 0.35 / (1 + annealing(step))
        expected = loop(X, W, LABELS, margin, 30.0, gradient == "caffe")
        np.testing.assert_allclose(y, expected, atol=3e-5)
    assert not made().non_trainable_weights


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_edges_are_finite(gradient):
    own = W[:, 0]
    x = np.stack([0 * own, own, -own, 1e15 * own, 1e-20 * own]).astype("f4")
    labels = np.zeros(5, int)
    kernel = W.copy()
    kernel[:, 4] = 0
    found = derivatives(
        made(kernel, gradient=gradient), x, labels, np.ones((5, 5), "float32")
    )
    assert all(np.isfinite(part).all() for part in found)
    y = found[0]
    # A zero vector is at right angles to every class.
    low = 0.0 if gradient == "caffe" else -10.5
    np.testing.assert_allclose(y[0], [low, 0, 0, 0, 0], atol=1e-5)
    opposite = -30.0 if gradient == "caffe" else -40.5
    np.testing.assert_allclose(
        y[1:, 0], [19.5, opposite, 19.5, 19.5], rtol=1e-5
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
    np.testing.assert_allclose(y, loop(rounded, W, LABELS), atol=3e-5)


def test_config_round_trip():
    head = made(
        margin=0.4,
        scale=20.0,
        annealing=LambdaAnnealing(10, 0.5, 2, 0.1, 3),
        gradient="caffe",
        margin_at_test=True,
        kernel_regularizer="l2",
    )
    config = head.get_config()
    again = AMSoftmax.from_config(config)
    assert again.get_config() == config
    assert (again.margin, again.scale) == (0.4, 20.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units`"),
        ({"margin": "0.35"}, "`margin` must be a finite number"),
        ({"margin": float("nan")}, "`margin`"),
        ({"scale": 0}, "`scale` must be a finite number above 0"),
        ({"annealing": 5.0}, "`annealing`"),
        ({"gradient": "published"}, "`gradient`"),
        ({"margin_at_test": 1}, "`margin_at_test`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        AMSoftmax(**{"units": 5, **arguments})


def test_one_hot_labels_are_refused():
    with pytest.raises(ValueError, match="argmax"):
        made()(X, labels=np.eye(5)[LABELS], training=True)
