"""Labels that are none are refused before a step is compiled, or are NaN."""

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel

CLASSES = 3
X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.arange(8) % CLASSES
OUTSIDE = np.where(np.arange(8) == 6, CLASSES, Y)
HEADS = {
    "margin": lambda: AMSoftmax(CLASSES),
    "agents": lambda: AgentContrastive(CLASSES),
    "centers": lambda: [CenterLoss(CLASSES), CosineDense(CLASSES)],
}


def backbone():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


def make(head="margin"):
    model = MarginModel(backbone(), HEADS[head]())
    model.compile(keras.optimizers.SGD(0.1))
    return model


class Batches(keras.utils.PyDataset):
    def __init__(self, y):
        super().__init__()
        self.y = y

    def __len__(self):
        return 2

    def __getitem__(self, index):
        rows = slice(4 * index, 4 * index + 4)
        return X[rows], self.y[rows]


def dataset(y):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((X, y)).batch(4)


def loader(y):
    torch = pytest.importorskip("torch")
    pairs = torch.utils.data.TensorDataset(
        torch.from_numpy(X), torch.from_numpy(y)
    )
    return torch.utils.data.DataLoader(pairs, batch_size=8)


SOURCES = {
    "arrays": lambda y: (X, y),
    "PyDataset": lambda y: (Batches(y),),
    "tf.data": lambda y: (dataset(y),),
    "generator": lambda y: ((batch for batch in Batches(y)),),
    "DataLoader": lambda y: (loader(y),),
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("source", ["arrays", "tf.data"])
def test_every_head_refuses_a_label_outside(head, source):
    model = make(head)
    with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 3\)"):
        model.fit(*SOURCES[source](OUTSIDE), verbose=0)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(s, marks=[pytest.mark.slow] * (s == "DataLoader"))
        for s in SOURCES
    ],
)
def test_every_source_is_looked_at(source):
    model = make()
    with pytest.raises(ValueError, match=r"`labels` must lie in \[0, 3\)"):
        model.fit(*SOURCES[source](OUTSIDE), steps_per_epoch=None, verbose=0)
    logs = model.fit(*SOURCES[source](Y), verbose=0).history
    assert np.isfinite(logs["loss"]).all()


def test_evaluation_validation_and_single_batches_too():
    model = make()
    for call in (
        lambda: model.evaluate(X, OUTSIDE, verbose=0),
        lambda: model.evaluate(Batches(OUTSIDE), verbose=0),
        lambda: model.train_on_batch(X, OUTSIDE),
        lambda: model.test_on_batch(X, OUTSIDE),
        lambda: model.fit(X, Y, validation_data=(X, OUTSIDE), verbose=0),
        lambda: model.fit(
            X, Y, validation_data=Batches(OUTSIDE), epochs=1, verbose=0
        ),
    ):
        with pytest.raises(ValueError, match="`labels` must lie in"):
            call()


@pytest.mark.parametrize("bad", [1, 6])
def test_an_error_leaves_the_weights(bad):
    """In the first batch, or after a step; a second training too."""
    model = make()
    model.fit(Batches(Y), verbose=0)
    before = model.get_weights()
    labels = np.where(np.arange(8) == bad, CLASSES, Y)
    with pytest.raises(ValueError, match="`labels` must lie in"):
        model.fit(Batches(labels), verbose=0)
    after = model.get_weights()
    assert np.isfinite(np.concatenate([w.ravel() for w in after])).all()
    if bad == 1 and keras.backend.backend() == "jax":
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a, b)
    assert np.isfinite(model.fit(Batches(Y), verbose=0).history["loss"])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(8, CLASSES, dtype="float32"), "one class index per sample"),
        (np.full(8, 0.5, "float32"), "whole numbers"),
        (np.full(8, 2**31), r"\[0, 3\).*2147483648"),
        (np.array(["ann", "bob"] * 4), "np.unique"),
        (["ann", "bob"] * 4, "np.unique"),
        (None, "`y` must hold the class indices"),
    ],
)
def test_what_is_said(labels, message):
    with pytest.raises(ValueError, match=message) as error:
        make().fit(X, labels, verbose=0)
    assert "\n" not in str(error.value)


def test_shapes_of_data_sets():
    import tensorflow as tf

    one_hot = np.eye(8, CLASSES, dtype="float32")
    with pytest.raises(ValueError, match="one class index per sample"):
        make().fit(dataset(one_hot), verbose=0)
    with pytest.raises(ValueError, match=r"np\.unique"):
        make().fit(dataset(np.array(["ann"] * 8)), verbose=0)
    unknown = tf.data.Dataset.from_generator(
        lambda: iter([(X, Y)]), output_types=(tf.float32, tf.int64)
    )
    with pytest.raises(ValueError, match="one class index per sample"):
        make().fit(unknown, verbose=0)


def compiled_loss(head, **options):
    """The training loss of `with_head`, whose `fit` we do not see."""
    layers = HEADS[head]()
    model = with_head(backbone(), layers)
    own = None if head == "agents" else SoftmaxCrossEntropy()
    model.compile(keras.optimizers.SGD(0.1), own, **options)
    inputs = {"image": X, "label": OUTSIDE}
    return model.fit(inputs, OUTSIDE, verbose=0).history["loss"][-1]


@pytest.mark.only_on("tensorflow", reason="only its graphs can raise")
@pytest.mark.parametrize("head", HEADS)
def test_a_graph_raises(head):
    with pytest.raises(Exception, match="`labels` must lie in"):
        compiled_loss(head, jit_compile=False)


@pytest.mark.only_on("tensorflow", "jax", reason="nothing else is compiled")
@pytest.mark.parametrize("head", HEADS)
def test_a_compiled_step_gives_nan(head):
    assert np.isnan(compiled_loss(head, jit_compile=True))
