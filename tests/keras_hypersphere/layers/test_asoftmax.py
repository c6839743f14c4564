import keras
import numpy as np
import pytest

from keras_hypersphere.backend import derivatives
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.layers.scalar_scale import ScalarScale
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.testing.gradients import array, gradients
from tests.keras_hypersphere.backends import compiled

FIVE = LambdaAnnealing(5.0, 0.0, 1.0, 5.0)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
W = RNG.normal(size=(4, 5)).astype("float32")
LABELS = np.array([0, 4, 2, 2, 1, 3])

# m: target logit, feature gradient of gradient="caffe", of "exact".
BY_HAND = {
    1: (3.0, (1.0, 0.0), (1.0, 0.0)),
    2: (2.266667, (0.927372, -0.094589), (1.061333, -0.229333)),
    3: (1.72, (0.867925, -0.168854), (0.880533, -0.2304)),
    4: (1.536, (0.895655, -0.134554), (1.004373, -0.36928)),
}
BEYOND = {
    2: (-3.933333, (1.011618, -0.015551)),
    3: (-5.053333, (1.153672, -0.216997)),
    4: (-6.536, (1.112235, -0.155801)),
}


def made(kernel=W, **arguments):
    kernel = np.asarray(kernel, "float32")
    head = ASoftmax(kernel.shape[1], **{"annealing": FIVE, **arguments})
    head.build((None, kernel.shape[0]))
    head.kernel.assign(kernel)
    return head


def output(head, x, **arguments):
    return array(head(x, **arguments))


def gradients_of(head, x, labels, upstream):
    def function(x):
        y = head(x, labels=labels, training=True)
        return keras.ops.sum(keras.ops.multiply(y, upstream)), y

    result = gradients(function, [x], [head.kernel])
    return result.outputs, result.inputs[0], result.variables[0]


def psi_loop(cosine, margin):
    theta = np.arccos(np.clip(cosine, -1, 1))
    k = min(margin - 1, int(margin * theta / np.pi))
    return (-1) ** k * np.cos(margin * theta) - 2 * k


def logits_loop(x, w, labels, margin, annealing_value):
    x, w = x.astype("float64"), w.astype("float64")
    out = np.zeros((len(x), w.shape[1]))
    for i in range(len(x)):
        for j in range(w.shape[1]):
            length = np.sqrt(x[i] @ x[i])
            cosine = x[i] @ w[:, j] / length / np.sqrt(w[:, j] @ w[:, j])
            value = cosine
            if j == labels[i]:
                value = annealing_value * cosine + psi_loop(cosine, margin)
                value /= 1 + annealing_value
            out[i, j] = length * value
    return out


@pytest.mark.parametrize("gradient", ["caffe", "exact"])
@pytest.mark.parametrize("margin", [1, 2, 3, 4])
def test_by_hand(margin, gradient):
    head = made(np.eye(2), margin=margin, gradient=gradient)
    logit, caffe, exact = BY_HAND[margin]
    upstream = np.float32([[1.0, 0.0]])
    y, dx, dw = gradients_of(head, np.float32([[3, 4]]), [0], upstream)
    np.testing.assert_allclose(y, [[logit, 4.0]], rtol=1e-6)
    expected = caffe if gradient == "caffe" else exact
    np.testing.assert_allclose(dx, [expected], atol=2e-6)
    if gradient == "caffe":
        np.testing.assert_allclose(dw, [[3, 0], [4, 0]], rtol=1e-6)


@pytest.mark.parametrize("margin", [2, 3, 4])
def test_by_hand_beyond_a_right_angle(margin):
    head = made(np.eye(2), margin=margin, gradient="caffe")
    logit, caffe = BEYOND[margin]
    upstream = np.float32([[1.0, 0.0]])
    y, dx, dw = gradients_of(head, np.float32([[-3, 4]]), [0], upstream)
    np.testing.assert_allclose(y[0, 0], logit, rtol=1e-6)
    np.testing.assert_allclose(dx, [caffe], atol=2e-6)
    np.testing.assert_allclose(dw, [[-3, 0], [4, 0]], rtol=1e-6)


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize("margin", [1, 2, 3, 4, 5, 8])
def test_equals_loops(margin, gradient):
    head = made(margin=margin, gradient=gradient)
    y = output(head, X, labels=LABELS, training=True)
    expected = logits_loop(X, W, LABELS, margin, 5.0)
    np.testing.assert_allclose(y, expected, atol=2e-5)


@pytest.mark.parametrize("margin", [1, 2, 3, 4, 6])
def test_exact_gradients_are_derivatives(margin):
    g = RNG.normal(size=(6, 5)).astype("float32")
    head = made(margin=margin)
    _, dx, dw = gradients_of(head, X, LABELS, g)
    for start, ours, which in ((X, dx, 0), (W, dw, 1)):
        numeric = np.zeros(start.shape)
        for place in np.ndindex(start.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [X.astype("float64"), W.astype("float64")]
                moved[which][place] += step
                value = logits_loop(*moved, LABELS, margin, 5.0)
                ends.append((value * g).sum())
            numeric[place] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(ours, numeric, atol=3e-4, rtol=1e-4)


def test_no_margin_without_labels_or_training():
    head = made()
    plain = X @ (W / np.linalg.norm(W, axis=0))
    for arguments in (
        {},
        {"training": True},
        {"labels": LABELS},
        {"labels": LABELS, "training": False},
    ):
        np.testing.assert_allclose(
            output(head, X, **arguments), plain, atol=1e-5
        )
    assert int(head.annealing_step) == 0


def test_margin_at_test_changes_no_state():
    head = made(margin_at_test=True, annealing=LambdaAnnealing(start=9))
    y = output(head, X, labels=LABELS, training=False)
    annealing_value = LambdaAnnealing()(10)
    expected = logits_loop(X, W, LABELS, 4, annealing_value)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert int(head.annealing_step) == 9
    head(X, labels=LABELS, training=True)
    assert int(head.annealing_step) == 10
    again = output(head, X, labels=LABELS, training=False)
    np.testing.assert_allclose(again, expected, atol=1e-5)


def test_the_step_counts_training_calls_with_labels():
    head = made(annealing=LambdaAnnealing())
    for step in (1, 2, 3):
        y = output(head, X, labels=LABELS, training=True)
        assert int(head.annealing_step) == step
        expected = logits_loop(X, W, LABELS, 4, LambdaAnnealing()(step))
        np.testing.assert_allclose(y, expected, atol=1e-5)
        head(X, training=True)
        head(X, labels=LABELS)
    assert [w.name for w in head.non_trainable_weights] == ["annealing_step"]


def test_without_annealing_the_margin_is_bare():
    head = made(annealing=None)
    y = output(head, X, labels=LABELS, training=True)
    np.testing.assert_allclose(y, logits_loop(X, W, LABELS, 4, 0.0), atol=2e-5)
    assert not head.non_trainable_weights


def test_scale_and_normalized_inputs():
    head = made(normalize_inputs=True, scale=30.0, margin=3)
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    y = output(head, X, labels=LABELS, training=True)
    expected = 30 * logits_loop(unit, W, LABELS, 3, 5.0)
    np.testing.assert_allclose(y, expected, atol=2e-4)
    plain = 30 * unit @ (W / np.linalg.norm(W, axis=0))
    np.testing.assert_allclose(output(head, X), plain, atol=1e-4)


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize("margin", [1, 4])
@pytest.mark.parametrize("normalize_inputs", [False, True])
def test_edges_are_finite(gradient, margin, normalize_inputs):
    unit = W / np.linalg.norm(W, axis=0)
    x = np.stack(
        [
            0 * unit[:, 0],
            unit[:, 0],
            -unit[:, 0],
            1e15 * unit[:, 1],
            -1e15 * unit[:, 0],
            1e-20 * unit[:, 0],
        ]
    ).astype("float32")
    head = made(
        margin=margin, gradient=gradient, normalize_inputs=normalize_inputs
    )
    labels = np.zeros(6, int)
    found = gradients_of(head, x, labels, np.ones((6, 5), "float32"))
    for part in found:
        assert np.isfinite(part).all()
    y = found[0]
    assert not y[0].any()
    if not normalize_inputs:
        np.testing.assert_allclose(
            y[3:] / np.float32([[1e15], [1e15], [1e-20]]),
            logits_loop(
                x[3:] / np.float32([[1e15], [1e15], [1e-20]]),
                W,
                labels[3:],
                margin,
                5.0,
            ),
            atol=1e-4,
        )


def test_one_class_and_a_batch_of_one():
    head = made(np.ones((4, 1)))
    y, dx, dw = gradients_of(head, X[:1], [[0]], np.float32([[1.0]]))
    assert y.shape == (1, 1)
    assert np.isfinite(dx).all() and np.isfinite(dw).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_policies(policy):
    half = policy.removeprefix("mixed_")
    head = made(dtype=policy)
    x = keras.ops.cast(X, half)
    y, *_ = gradients_of(head, x, LABELS, np.ones((6, 5), "float32"))
    assert str(y.dtype) == "float32"
    rounded = array(keras.ops.cast(x, "float32"))
    expected = logits_loop(rounded, W, LABELS, 4, 5.0)
    np.testing.assert_allclose(y, expected, atol=2e-5)
    symbolic = head(keras.Input((4,), dtype=half))
    assert symbolic.dtype == "float32"
    # The largest float16 and the smallest; gradients come back finite.
    ends = keras.ops.cast(np.float32([[6e4] * 4, [6e-8] * 4, [0] * 4]), half)
    found = gradients_of(
        made(dtype=policy, normalize_inputs=True),
        ends,
        [0, 1, 2],
        np.full((3, 5), 1e4, "float32"),
    )
    for part in found:
        assert np.isfinite(part).all()


def test_class_indices_survive_half_policies():
    w = RNG.normal(size=(4, 5000)).astype("float32")
    head = made(w, dtype="mixed_float16", annealing=None)
    labels = np.float32([2049, 4095, 4097])
    y = output(head, X[:3], labels=labels, training=True)
    changed = np.abs(y - output(head, X[:3])) > 1e-6
    assert [np.flatnonzero(row).tolist() for row in changed] == [
        [2049],
        [4095],
        [4097],
    ]


@pytest.mark.only_on("tensorflow", "jax", reason="compiles nothing here")
@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_compiled_equals_eager(gradient):
    g = RNG.normal(size=(6, 5)).astype("float32")
    head = made(gradient=gradient)
    labels = keras.ops.convert_to_tensor(LABELS)

    def step(x, w):
        def scalar(tensors, values):
            mapping = [(head.kernel, values[0])]
            with keras.StatelessScope(state_mapping=mapping):
                y = head(tensors[0], labels=labels, training=True)
            return keras.ops.sum(keras.ops.multiply(y, g)), y

        _, y, by_x, by_w = derivatives.differentiate(scalar, [x], [w])
        return y, *by_x, *by_w

    tensors = map(keras.ops.convert_to_tensor, (X, W))
    for ours, expected in zip(
        compiled(step)(*tensors),
        gradients_of(head, X, LABELS, g),
        strict=True,
    ):
        np.testing.assert_allclose(array(ours), expected, atol=1e-5)


def test_config_round_trip():
    head = made(
        margin=3,
        annealing=LambdaAnnealing(10, 0.5, 2, 0.1, 3),
        normalize_inputs=True,
        scale=20.0,
        gradient="caffe",
        margin_at_test=True,
        kernel_regularizer="l2",
    )
    config = head.get_config()
    again = ASoftmax.from_config(config)
    assert again.get_config() == config
    assert again.annealing.get_config() == head.annealing.get_config()
    assert ASoftmax.from_config(
        made(annealing=None).get_config()
    ).annealing is (None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units`"),
        ({"margin": 0}, "`margin` must be an integer, at least 1"),
        ({"margin": 1.5}, "`margin`.*margin=1.5"),
        ({"annealing": 5.0}, "`annealing` must be a `kh.schedules.Lambda"),
        ({"gradient": "published"}, "`gradient`"),
        ({"scale": -1}, "`scale`"),
        ({"normalize_inputs": "no"}, "`normalize_inputs`"),
        ({"margin_at_test": 1}, "`margin_at_test`"),
        ({"kernel_initializer": "unit"}, "`kernel_initializer`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        ASoftmax(**{"units": 5, **arguments})


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(5)[LABELS], "argmax"),
        (LABELS + 0.5, "whole"),
        (LABELS + 1, r"lie in \[0, 5\)"),
        (LABELS[:3], "each of the 6"),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_label_errors(labels, message, training):
    with pytest.raises(ValueError, match=message):
        made()(X, labels=labels, training=training)


def test_inputs_must_be_vectors():
    with pytest.raises(ValueError, match=r"`inputs` must have shape \(N, d\)"):
        ASoftmax(5)(np.zeros((2, 3, 4)))


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_normalized_and_scaled_is_the_composed_network(gradient):
    """Normalize, then Scale, then the margin: its update knows the scale."""
    scale = 7.0
    whole = made(normalize_inputs=True, scale=scale, gradient=gradient)
    margin = made(gradient=gradient)
    upstream = RNG.normal(size=(6, 5)).astype("float32")

    def composed(x):
        x = ScalarScale(scale)(NormalizeLayer()(x))
        y = margin(x, labels=LABELS, training=True)
        return keras.ops.sum(keras.ops.multiply(y, upstream)), y

    wanted = gradients(composed, [X], [margin.kernel])
    outputs, by_x, by_kernel = gradients_of(whole, X, LABELS, upstream)
    np.testing.assert_allclose(array(outputs), array(wanted.outputs), rtol=1e-5)
    np.testing.assert_allclose(by_x, wanted.inputs[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        by_kernel, wanted.variables[0], rtol=1e-4, atol=1e-6
    )
