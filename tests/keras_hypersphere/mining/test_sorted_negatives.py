"""Both ways of mining, in passes and from sorted rows, must say the same."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.backend import compilation
from keras_hypersphere.losses.triplet_loss import TripletLoss
from keras_hypersphere.mining import semi_hard_negatives, triplets
from keras_hypersphere.mining.sorted_negatives import count_up_to
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.losses import triplet_oracle as oracle

RNG = np.random.default_rng(0)
# On JAX, which compiles, there is one way.
pytestmark = pytest.mark.only_on(
    "tensorflow", "torch", reason="rows are sorted where XLA does not compile"
)
ON_TENSORFLOW = pytest.mark.only_on(
    "tensorflow", reason="the others do not choose"
)
# Classes of 1 to 14 samples, and equal distances in plenty.
LABELS = RNG.permutation(np.repeat(np.arange(6), [14, 9, 6, 3, 2, 1]))
WHOLE = RNG.integers(-1, 2, size=(35, 3)).astype("float32")
APART = RNG.normal(size=(35, 3)).astype("float32")


@pytest.fixture(params=["in passes", "at once"])
def way(request, monkeypatch):
    few = 1000 if request.param == "in passes" else -1
    monkeypatch.setattr(triplets, "FEW", few)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("fallback", [None, "largest"])
@pytest.mark.parametrize("x", [WHOLE, APART], ids=["equals", "different"])
def test_the_loss_follows_the_loop(x, fallback):
    loss = TripletLoss(2.0, fallback=fallback)
    result = gradients(lambda x: (loss(LABELS, x), loss.call(LABELS, x)), [x])
    wanted, active = oracle.anchor_values(x, LABELS, loss)
    assert wanted.max() > 0
    np.testing.assert_allclose(result.outputs, wanted, rtol=1e-5, atol=1e-5)
    pairs = sum((label == LABELS).sum() - 1 for label in LABELS)
    slopes = oracle.slopes(x, active, 1.0 / pairs, loss.distance)
    np.testing.assert_allclose(
        result.inputs[0], slopes, rtol=1e-4, atol=1e-5 * np.abs(slopes).max()
    )


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("fallback", [None, "largest"])
def test_negatives_follow_the_loop(fallback):
    d = RNG.integers(0, 5, size=(35, 35)).astype("float32")
    chosen, valid = semi_hard_negatives(d, LABELS, fallback=fallback)
    chosen, valid = ops.convert_to_numpy(chosen), ops.convert_to_numpy(valid)
    for a, p in np.ndindex(d.shape):
        n = None
        if LABELS[a] == LABELS[p] and a != p:
            n = oracle.semi_hard(
                d, LABELS, a, p, margin=np.inf, fallback=fallback
            )
        assert valid[a, p] == (n is not None)
        assert chosen[a, p] == (0 if n is None else d[a, n])


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    "labels", [[0, 0, 0], [0, 1, 2], [0]], ids=["one", "none", "1"]
)
def test_without_triplets_it_is_zero(labels):
    x = np.arange(2.0 * len(labels), dtype="float32").reshape(-1, 2)
    loss = TripletLoss(reduction="sum")
    result = gradients(lambda x: (loss(np.array(labels, "int32"), x),) * 2, [x])
    assert result.value == 0.0
    np.testing.assert_array_equal(result.inputs[0], np.zeros_like(x))


def test_counts_are_numpys():
    for width in (1, 2, 3, 7, 8, 9, 64, 100):
        rows = np.sort(RNG.integers(0, 9, size=(4, width)).astype("float32"))
        limits = RNG.integers(-1, 10, size=(5, 4)).astype("float32")
        found = count_up_to(
            ops.convert_to_tensor(rows.reshape(-1)),
            ops.arange(4, dtype="int32") * width,
            width,
            ops.convert_to_tensor(limits),
        )
        wanted = [
            np.searchsorted(row, limits[:, i], side="right")
            for i, row in enumerate(rows)
        ]
        np.testing.assert_array_equal(
            ops.convert_to_numpy(found), np.stack(wanted, 1)
        )


@ON_TENSORFLOW
@pytest.mark.parametrize(
    "large",
    [400, pytest.param(2**16, marks=pytest.mark.slow)],
    ids=["compiled", "not"],
)
@pytest.mark.parametrize(
    "known", [pytest.param(True, marks=pytest.mark.slow), False]
)
def test_graphs_have_large_batches_compiled(large, known, monkeypatch):
    """Batches of 35 and, of an unknown size, of 20 and 3 and 0."""
    import tensorflow as tf

    monkeypatch.setattr(compilation, "LARGE", large)
    seen = []
    visited = triplets.visit_positives

    def seeing(*args):
        seen.append(compilation.steps_are_compiled())
        return visited(*args)

    monkeypatch.setattr(triplets, "visit_positives", seeing)
    loss = TripletLoss(2.0)
    size = 35 if known else None
    signature = [
        tf.TensorSpec((size, 3), tf.float32),
        tf.TensorSpec((size,), tf.int32),
    ]

    @tf.function(input_signature=signature)
    def differentiated(x, labels):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(labels, x)
        return value, tape.gradient(value, x)

    for count in (35,) if known else (35, 20, 3, 0):
        x, labels = APART[:count], LABELS[:count].astype("int32")
        value, slopes = differentiated(x, labels)
        assert (True in seen) is (not known or large == 400)
        wanted = gradients(lambda x, y=labels: (loss(y, x),) * 2, [x])
        np.testing.assert_allclose(value, wanted.value, rtol=1e-6)
        np.testing.assert_allclose(slopes, wanted.inputs[0], atol=1e-6)


@ON_TENSORFLOW
def test_tensorflow_says_what_xla_compiles():
    import tensorflow as tf

    seen = []

    class Seeing(keras.layers.Layer):
        def call(self, x):
            seen.append(compilation.steps_are_compiled())
            return x

    assert not compilation.steps_are_compiled()
    for compiled in (False, True):
        function = tf.function(Seeing().call, jit_compile=compiled)
        function(tf.zeros(3))
        assert seen.pop() is compiled
        model = keras.Sequential([Seeing(), keras.layers.Dense(1)])
        model.compile("sgd", "mse", jit_compile=compiled)
        model.fit(APART, APART[:, :1], verbose=0)
        # The last call is the training step's; building the model comes first.
        assert seen[-1] is compiled
        seen.clear()
