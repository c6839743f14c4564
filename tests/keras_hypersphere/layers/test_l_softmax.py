import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.l_softmax import LSoftmax
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.testing.gradients import array, gradients

FIVE = LambdaAnnealing(5.0, 0.0, 1.0, 5.0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
W = RNG.normal(size=(4, 5)).astype("float32")
LABELS = np.array([0, 4, 2, 2, 1, 3])
G = RNG.normal(size=(6, 5)).astype("float32")


def made(kernel=W, **arguments):
    kernel = np.asarray(kernel, "float32")
    head = LSoftmax(kernel.shape[1], **{"annealing": FIVE, **arguments})
    head.build((None, kernel.shape[0]))
    head.kernel.assign(kernel)
    return head


def psi_loop(cosine, margin):
    theta = np.arccos(np.clip(cosine, -1, 1))
    k = min(margin - 1, int(margin * theta / np.pi))
    return (-1) ** k * np.cos(margin * theta) - 2 * k


def loop(x, w, labels, margin=4, annealing_value=5.0):
    x, w = np.asarray(x, "float64"), np.asarray(w, "float64")
    out = np.zeros((len(x), w.shape[1]))
    for i in range(len(x)):
        for j in range(w.shape[1]):
            lengths = np.sqrt(x[i] @ x[i]) * np.sqrt(w[:, j] @ w[:, j])
            out[i, j] = x[i] @ w[:, j]
            if j == labels[i] and lengths > 0:
                bent = lengths * psi_loop(out[i, j] / lengths, margin)
                out[i, j] = (annealing_value * out[i, j] + bent) / (
                    1 + annealing_value
                )
    return out


def output(head, x, **arguments):
    return array(head(x, **arguments))


def derivatives(head, x, labels, upstream):
    def function(x):
        y = head(x, labels=labels, training=True)
        return ops.sum(ops.multiply(y, upstream)), y

    result = gradients(function, [x], [head.kernel])
    return result.outputs, result.inputs[0], result.variables[0]


# x = (3, 4), w_0 = (2, 0): x.w = 6, |x||w| = 10, cos = 0.6; lambda = 5.
# psi: 2 * .36 - 1 = -.28; 4 * .216 - 1.8 = -.936, below 60 degrees;
# -(8 * .1296 - 8 * .36 + 1) - 2 = -1.1568 lies in the second of four pieces.
@pytest.mark.parametrize(
    ("margin", "psi"), [(1, 0.6), (2, -0.28), (3, -0.936), (4, -1.1568)]
)
def test_by_hand(margin, psi):
    x, kernel = np.float32([[3, 4]]), [[2, 0], [0, 1]]
    y = output(made(kernel, margin=margin), x, labels=[0], training=True)
    np.testing.assert_allclose(y, [[(30 + 10 * psi) / 6, 4]], rtol=1e-6)
    bare = made(kernel, margin=margin, annealing=None)
    y = output(bare, x, labels=[0], training=True)
    np.testing.assert_allclose(y, [[10 * psi, 4]], rtol=1e-6)
    assert not bare.non_trainable_weights


def test_gradient_by_hand():
    # m = 2, no lambda: f = 2 (x.w)^2 / L - L with L = |x| |w|.
    # df/dx = 4 p/L w - (2 p^2/L^2 + 1) |w| x/|x|, for w likewise.
    head = made([[2, 0], [0, 1]], margin=2, annealing=None)
    x, upstream = np.float32([[3, 4]]), np.float32([[1, 0]])
    _, dx, dw = derivatives(head, x, [0], upstream)
    np.testing.assert_allclose(dx, [[4.8 - 2.064, -2.752]], rtol=1e-5)
    np.testing.assert_allclose(dw, [[7.2 - 8.6, 0], [9.6, 0]], rtol=1e-5)


@pytest.mark.parametrize("margin", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_equals_loops(margin, gradient):
    head = made(margin=margin, gradient=gradient)
    y = output(head, X, labels=LABELS[:, None], training=True)
    np.testing.assert_allclose(y, loop(X, W, LABELS, margin), atol=4e-5)


@pytest.mark.parametrize("margin", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_gradients_are_derivatives(margin, gradient):
    head = made(margin=margin, gradient=gradient)
    assert head.kernel.constraint is None
    _, dx, dw = derivatives(head, X, LABELS, G)
    for start, ours, which in ((X, dx, 0), (W, dw, 1)):
        numeric = np.zeros(start.shape)
        for place in np.ndindex(start.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [X.astype("float64"), W.astype("float64")]
                moved[which][place] += step
                ends.append((loop(*moved, LABELS, margin) * G).sum())
            numeric[place] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(ours, numeric, atol=1e-4, rtol=1e-4)


def test_plain_products_without_labels_or_training():
    head = made()
    for arguments in (
        {},
        {"training": True},
        {"labels": LABELS},
        {"labels": LABELS, "training": False},
    ):
        np.testing.assert_allclose(
            output(head, X, **arguments), X @ W, atol=1e-5
        )
    assert int(head.annealing_step) == 0
    tested = output(made(margin_at_test=True), X, labels=LABELS)
    np.testing.assert_allclose(tested, loop(X, W, LABELS), atol=2e-5)


def test_the_step_counts_training_calls_with_labels():
    head = made(annealing=LambdaAnnealing(start=7))
    for step in (8, 9):
        y = output(head, X, labels=LABELS, training=True)
        assert int(head.annealing_step) == step
        expected = loop(X, W, LABELS, 4, LambdaAnnealing()(step))
        np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("annealing", [FIVE, None])
@pytest.mark.parametrize("margin", [1, 2, 4])
def test_edges_are_finite(annealing, margin):
    own = W[:, 0]
    x = np.stack([0 * own, own, -own, 1e15 * own, 1e-20 * own, own])
    labels = np.array([0, 0, 0, 0, 0, 4])
    kernel = W.copy()
    kernel[:, 4] = 0
    head = made(kernel, margin=margin, annealing=annealing)
    ones = np.ones((6, 5), "float32")
    found = derivatives(head, x.astype("float32"), labels, ones)
    assert all(np.isfinite(part).all() for part in found)
    lengths = np.float64([1, 1, 1, 1e15, 1e-20, 1])[:, None]
    annealing_value = 0.0 if annealing is None else 5.0
    expected = loop(x / lengths, kernel, labels, margin, annealing_value)
    np.testing.assert_allclose(found[0] / lengths, expected, atol=5e-5)
    # Zero vectors learn as in a plain product.
    np.testing.assert_allclose(found[1][0], kernel.sum(axis=1), rtol=1e-5)
    assert np.abs(found[2][:, 4]).max() > 0
    one = derivatives(made(np.ones((4, 1))), X[:1], [[0]], np.float32([[1]]))
    assert one[0].shape == (1, 1)
    assert all(np.isfinite(part).all() for part in one)


def test_gradients_do_not_depend_on_length():
    # The gradient by x is the same at every length of x.
    wanted = derivatives(made(), X, LABELS, G)[1]
    for length in (1e-30, 1e-20, 1e15, 1e30):
        dx = derivatives(made(), np.float32(length) * X, LABELS, G)[1]
        np.testing.assert_allclose(dx, wanted, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_policies(policy):
    half = policy.removeprefix("mixed_")
    x = ops.cast(X, half)
    y = output(made(dtype=policy), x, labels=LABELS, training=True)
    assert y.dtype == "float32"
    rounded = array(ops.cast(x, "float32"))
    np.testing.assert_allclose(y, loop(rounded, W, LABELS), atol=2e-5)


def test_config_round_trip():
    head = made(
        margin=3,
        annealing=LambdaAnnealing(10, 0.5, 2, 0.1, 3),
        gradient="caffe",
        margin_at_test=True,
        kernel_regularizer="l2",
    )
    config = head.get_config()
    again = LSoftmax.from_config(config)
    assert again.get_config() == config
    assert again.margin == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units`"),
        ({"margin": 1.5}, "`margin` must be an integer.*margin=1.5"),
        ({"margin": 0}, "`margin`"),
        ({"annealing": 5.0}, "`annealing`"),
        ({"gradient": "published"}, "`gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        LSoftmax(**{"units": 5, **arguments})


def test_one_hot_labels_are_refused():
    with pytest.raises(ValueError, match="argmax"):
        made()(X, labels=np.eye(5)[LABELS], training=True)
