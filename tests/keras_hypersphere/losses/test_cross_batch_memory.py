import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.losses.cross_batch_memory import CrossBatchMemory
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.backends import compiled
from tests.keras_hypersphere.losses.cosine_oracle import slopes

RNG = np.random.default_rng(0)
BATCHES = RNG.normal(size=(4, 6, 3)).astype("float32")
LABELS = np.array(
    [[0, 0, 1, 2, 3, 1], [0, 1, 1, 2, 2, 9], [3, 3, 0, 9, 1, 5], [5, 2, 0] * 2]
)
LOSSES = {
    "semi-hard": kh.losses.TripletLoss(1.0, fallback="largest"),
    "hard": kh.losses.TripletLoss(1.0, "hard"),
    "all": kh.losses.TripletLoss(1.0, "all", "cosine"),
    "pairs": kh.losses.PairContrastiveLoss(margin=2.0),
    "multi-similarity": kh.losses.MultiSimilarityLoss(2.0, 5.0, epsilon=0.1),
    "circle": kh.losses.CircleLoss(5.0),
    "supervised": kh.losses.SupervisedContrastiveLoss(0.5),
}


def feed(memory, x, labels, training=True):
    """The loss of a batch, which enters the queue."""
    memory(x, labels, training=training)
    return float(memory.losses[0])


def values_of(memory):
    return keras.ops.convert_to_numpy(memory.queue_labels).tolist()


def of_anchors(loss, x, labels, others, their_labels):
    """The loss over a union, in which only the batch's rows are anchors.

    By the loss itself over all of it: the values of the first rows, with a
    mean over pairs, triplets or anchors of these rows alone.
    """
    everyone = np.concatenate([x, others])
    ids = np.concatenate([labels, their_labels])
    kind = type(loss)
    values = np.asarray(
        keras.ops.convert_to_numpy(loss.call(ids, everyone)), "float64"
    )
    weights = np.ones(len(ids))
    same = (ids[:, None] == ids).sum(1) - 1
    other = len(ids) - 1 - same
    if kind is kh.losses.TripletLoss and loss.mining != "hard":
        weights = same * (1 if loss.mining == "semi-hard" else other)
    elif kind is kh.losses.CircleLoss:
        weights = (same > 0) & (other > 0)
    elif kind is kh.losses.SupervisedContrastiveLoss:
        weights = same > 0
    # Undo the scale over all, which is N divided by the sum of weights.
    sums = values * weights.sum() / len(ids)
    here = weights[: len(x)].sum()
    return sums[: len(x)].sum() / max(here, 1)


@pytest.mark.parametrize("name", LOSSES)
def test_the_queue_is_what_it_would_be_in_one_batch(name):
    """Anchors are the batch; the rest of the union is the queue."""
    loss = LOSSES[name]
    memory = CrossBatchMemory(loss, 15)
    queue, ids = np.zeros((0, 3), "float32"), np.zeros(0, int)
    for x, labels in zip(BATCHES, LABELS, strict=True):
        found = feed(memory, x, labels)
        wanted = of_anchors(loss, x, labels, queue, ids)
        assert found == pytest.approx(wanted, rel=1e-4)
        queue = np.concatenate([x, queue])[:15]
        ids = np.concatenate([labels, ids])[:15]
        assert values_of(memory) == [*ids, *[-1] * (15 - len(ids))]
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(memory.queue)[: len(ids)], queue
        )
    assert int(memory.filled()) == 15


@pytest.mark.parametrize("name", ["all", "supervised"])
def test_the_queue_has_no_gradient(name):
    loss = LOSSES[name]
    memory = CrossBatchMemory(loss, 6, loss_weight=0.5)
    feed(memory, BATCHES[0], LABELS[0])

    def function(x):
        memory(x, LABELS[1], training=True)
        return memory.losses[0], []

    # By differences of a float64 loss: float32 has not the digits.
    exact = loss.from_config({**loss.get_config(), "dtype": "float64"})
    if keras.config.backend() != "tensorflow":
        pytest.skip("float64 and the others are the same code")

    def value(x):
        return 0.5 * of_anchors(exact, x, LABELS[1], BATCHES[0], LABELS[0])

    result = gradients(function, [BATCHES[1]])
    np.testing.assert_allclose(
        result.inputs[0], slopes(value, BATCHES[1]), rtol=1e-3, atol=1e-5
    )


def test_evaluation_neither_reads_nor_writes():
    loss = LOSSES["supervised"]
    memory = CrossBatchMemory(loss, 8)
    feed(memory, BATCHES[0], LABELS[0])
    before = values_of(memory)
    alone = float(loss(LABELS[1], BATCHES[1]))
    for _ in range(2):
        found = feed(memory, BATCHES[1], LABELS[1], training=False)
        assert found == pytest.approx(alone, rel=1e-6)
    assert values_of(memory) == before
    assert feed(memory, BATCHES[1], LABELS[1]) != pytest.approx(alone)


def test_places_not_filled_are_nobody():
    """They hold zeros, which are neither class 0 nor another."""
    for name, loss in LOSSES.items():
        memory = CrossBatchMemory(loss, 100)
        found = feed(memory, BATCHES[0], np.zeros(6, int))
        alone = float(loss(np.zeros(6, int), BATCHES[0]))
        assert found == pytest.approx(alone, rel=1e-5), name


def test_a_batch_larger_than_the_queue():
    memory = CrossBatchMemory(LOSSES["supervised"], 4)
    feed(memory, BATCHES[0], LABELS[0])
    assert values_of(memory) == LABELS[0][:4].tolist()


def test_what_is_not_finite_does_not_stay():
    memory = CrossBatchMemory(LOSSES["supervised"], 12)
    bad = BATCHES[0].copy()
    bad[2, 1] = np.nan
    assert np.isnan(feed(memory, bad, LABELS[0]))
    assert int(memory.filled()) == 5
    assert np.isfinite(feed(memory, BATCHES[1], LABELS[1]))


def model_of(memory):
    backbone = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    return kh.models.MarginModel(backbone, memory)


def test_is_saved_and_goes_on(tmp_path):
    """A training that is loaded in the middle is the unbroken one."""
    keras.utils.set_random_seed(0)
    x, y = BATCHES.reshape(-1, 3), LABELS.reshape(-1)
    memory = CrossBatchMemory(LOSSES["multi-similarity"], 20, name="memory")
    model = model_of(memory)
    model.compile(keras.optimizers.SGD(0.1))
    fit = {"batch_size": 6, "shuffle": False, "verbose": 0}
    model.fit(x, y, **fit)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert values_of(again.head) == values_of(memory)
    wanted = model.fit(x, y, **fit).history
    assert again.fit(x, y, **fit).history == wanted
    assert list(wanted) == ["loss", "memory_loss"]
    np.testing.assert_array_equal(
        again.predict(x, verbose=0), model.predict(x, verbose=0)
    )


def test_with_head_and_in_front_of_a_head():
    x, y = BATCHES.reshape(-1, 3), LABELS.reshape(-1)
    backbone = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    memory = CrossBatchMemory(LOSSES["circle"], 16)
    model = kh.models.with_head(backbone, memory)
    model.compile("adam")
    logs = model.fit(
        {"image": x, "label": 2**30 + y}, batch_size=8, verbose=0
    ).history
    assert np.isfinite(logs["loss"][0])
    assert set(values_of(memory)) <= {2**30 + label for label in y.tolist()}
    assert int(memory.filled()) == 16
    before = values_of(memory)
    model.evaluate({"image": x, "label": y}, verbose=0)
    assert values_of(memory) == before
    assert model.predict({"image": x, "label": None}, verbose=0).shape == (
        24,
        3,
    )
    heads = [
        CrossBatchMemory(LOSSES["circle"], 16),
        kh.layers.AMSoftmax(10),
    ]
    both = kh.models.MarginModel(backbone, heads)
    both.compile("adam")
    logs = both.fit(x, y, verbose=0).history
    assert {"accuracy", "cross_batch_memory_loss"} <= set(logs)


def test_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        memory = CrossBatchMemory(LOSSES["pairs"], 8)
        model = model_of(memory)
        model.compile("sgd")
        model.fit(BATCHES[0], LABELS[0], verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert memory.queue.dtype == "float32"
    assert values_of(memory)[6:] == [-1, -1]


def test_compiled_steps_keep_it():
    if keras.config.backend() == "jax":
        pytest.skip("a jitted function has no state of its own")
    memory = CrossBatchMemory(LOSSES["hard"], 12)
    memory.build((None, 3))
    plain = CrossBatchMemory(LOSSES["hard"], 12)

    def step(y, x):
        memory(x, y, training=True)
        return memory.losses[0]

    run = compiled(step)
    for x, labels in zip(BATCHES, LABELS, strict=True):
        labels = keras.ops.convert_to_tensor(labels.astype("int32"))
        found = run(labels, keras.ops.convert_to_tensor(x))
        assert float(found) == pytest.approx(feed(plain, x, labels), rel=1e-5)
    assert values_of(memory) == values_of(plain)


def test_errors():
    loss = LOSSES["circle"]
    for given, message in (
        ({"loss": "mse"}, "`loss` must compare embeddings"),
        ({"loss": kh.losses.SoftmaxCrossEntropy()}, "`loss` must compare"),
        ({"size": 0}, "`size` must be an integer"),
        ({"loss_weight": -1}, "`loss_weight` must"),
        ({"ignore_class": 1}, "`ignore_class` is not offered"),
    ):
        with pytest.raises(ValueError, match=message):
            CrossBatchMemory(**{"loss": loss, "size": 4, **given})
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.compile("sgd", CrossBatchMemory(loss, 4))
    with pytest.raises(ValueError, match="is a layer, not a loss"):
        model.fit(BATCHES[0], LABELS[0], verbose=0)
    heads = [
        CrossBatchMemory(loss, 4),
        kh.layers.AMSoftmax(10, ignore_class=3),
    ]
    with pytest.raises(ValueError, match="`ignore_class` must be None next"):
        kh.models.MarginModel(model, heads).compile("sgd")
