"""Numbers by hand: embeddings and class weights in chosen directions."""

import math
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest

from keras_hypersphere.callbacks.margin_monitor import MarginMonitor
from keras_hypersphere.callbacks.sample import mean_cosine
from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.ops import spread
from keras_hypersphere.theory import softmax_lower_bound

SOFTMAX = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
# Lengths 5, 10, 2 and 13; angles to their own axis 0, 60, 90 and 90 degrees.
X = np.array([[5, 0], [10 * math.sqrt(0.75), 5], [2, 0], [0, 13]], "float32")
Y = np.array([0, 1, 1, 0])
# Cosines of the pairs of two classes: rows 0 and 3 against rows 1 and 2.
COSINE = (math.sqrt(0.75) + 1.0 + 0.5 + 0.0) / 4
BY_HAND = {
    "embedding_norm": 7.5,
    "target_angle": 60.0,
    "embedding_spread": math.sqrt(0.5 * (1 - COSINE)),
}


def backbone(*layers):
    """Gives its inputs back; a learning rate of 0 keeps it so."""
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2, kernel_initializer="identity"),
            *layers,
        ]
    )


def train(model, monitor, x=X, y=Y, loss=None, rate=0.0, **arguments):
    model.compile(keras.optimizers.SGD(rate), loss)
    arguments = {"batch_size": 4, "verbose": 0, **arguments}
    return model.fit(x, y, callbacks=[monitor], **arguments).history


def asoftmax(**arguments):
    return ASoftmax(2, kernel_initializer="identity", **arguments)


def by_hand(label=True):
    image = keras.Input((2,), name="image")
    features = keras.layers.Dense(2, kernel_initializer="identity")(image)
    if not label:
        return keras.Model(image, asoftmax()(features))
    labels = keras.Input((), dtype="int32", optional=True, name="person")
    logits = asoftmax()(features, labels)
    return keras.Model({"image": image, "person": labels}, logits)


def plain_loss(x=X, y=Y):
    logits = x.astype("float64")
    own = logits[np.arange(len(y)), y]
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - own))


def test_margin_model_measures_its_batches():
    model = MarginModel(backbone(), asoftmax())
    logs = train(model, MarginMonitor(), validation_data=(X[:2], Y[:2]))
    for name, value in BY_HAND.items():
        assert logs[name] == [pytest.approx(value, rel=1e-6)], name
    assert logs["loss_without_margin"][0] == pytest.approx(plain_loss(), 1e-6)
    assert logs["loss"][0] > logs["loss_without_margin"][0]
    assert logs["annealing"][0] == pytest.approx(1000 / 1.12)
    assert logs["val_target_angle"][0] == pytest.approx(30.0, abs=1e-3)
    assert logs["val_loss"] == logs["val_loss_without_margin"]
    # Gone with the monitor.
    assert sorted(model.evaluate(X, Y, verbose=0, return_dict=True)) == [
        "accuracy",
        "annealing",
        "loss",
        "softmax_cross_entropy",
    ]
    assert "target_angle" not in train(model, keras.callbacks.History())


def test_with_head_says_that_it_needs_a_margin_model():
    model = with_head(backbone(), asoftmax(), label_name="person")
    x = {"image": X, "person": Y}
    with pytest.warns(UserWarning, match=r"kh\.models\.MarginModel"):
        logs = train(model, MarginMonitor(), x, Y, SOFTMAX, epochs=2)
    assert sorted(logs) == ["annealing", "loss"]
    assert logs["annealing"] == pytest.approx([1000 / 1.12, 1000 / 1.24])


def test_a_collapse_in_inference_alone_is_told():
    """Moving means that nobody has trained leave one direction."""
    normal = keras.layers.BatchNormalization(momentum=1.0, center=False)
    model = MarginModel(
        keras.Sequential([keras.Input((2,)), normal]), asoftmax()
    )
    far = X + np.array([1e4, 1e4], "float32")
    with pytest.warns(UserWarning, match="val_embedding_spread"):
        logs = train(model, MarginMonitor(), far, Y, validation_data=(far, Y))
    assert logs["embedding_spread"][0] > 0.1 > logs["val_embedding_spread"][0]


def test_batches_of_several_sizes_weigh_by_samples_and_pairs():
    """Batches of 2: cosine 0.87 and 0.0, one pair of two classes each."""
    logs = train(MarginModel(backbone(), asoftmax()), MarginMonitor())
    small = train(
        MarginModel(backbone(), asoftmax()),
        MarginMonitor(),
        batch_size=2,
        shuffle=False,
    )
    for name in ("embedding_norm", "target_angle"):
        assert small[name] == pytest.approx(logs[name], rel=1e-6)
    cosine = math.sqrt(0.75) / 2
    assert small["embedding_spread"][0] == pytest.approx(
        math.sqrt(0.5 * (1 - cosine)), rel=1e-6
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: (MarginModel(backbone(), asoftmax()), X, None),
        lambda: (with_head(backbone(), asoftmax()), "label", SOFTMAX),
        lambda: (by_hand(), "person", SOFTMAX),
        lambda: (by_hand(label=False), X, SOFTMAX),
        lambda: (keras.Sequential([backbone(), asoftmax()]), X, SOFTMAX),
    ],
)
def test_any_model_is_measured_on_data(make):
    model, x, loss = make()
    x = {"image": X, x: Y} if isinstance(x, str) else x
    monitor = MarginMonitor(x, Y, batch_size=3, prefix="sample_")
    logs = train(model, monitor, x, loss=loss)
    for name, value in BY_HAND.items():
        found = logs[f"sample_{name}"]
        assert found == [pytest.approx(value, rel=1e-6)], name
    assert logs["sample_loss_without_margin"][0] == pytest.approx(plain_loss())
    assert "annealing" in logs
    assert "target_angle" not in logs


def test_model_of_embeddings_has_norm_and_spread():
    logs = train(backbone(), MarginMonitor(X, Y), X, X, "mse")
    for name in ("embedding_norm", "embedding_spread"):
        assert logs[name][0] == pytest.approx(BY_HAND[name], rel=1e-6)
    with pytest.raises(ValueError, match="without a head"):
        train(backbone(), MarginMonitor(), X, X, "mse")


def test_data_sets():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(3)
    logs = train(MarginModel(backbone(), asoftmax()), MarginMonitor(data))
    assert logs["target_angle"][0] == pytest.approx(60.0)


def test_agents_have_angles_and_no_softmax():
    head = AgentContrastive(2, kernel_initializer="identity")
    logs = train(MarginModel(backbone(), head), MarginMonitor())
    assert logs["target_angle"][0] == pytest.approx(60.0)
    assert "loss_without_margin" not in logs


def test_unwatched_model_says_what_is_missing():
    with pytest.warns(UserWarning, match="pass `x` and `y`"):
        logs = train(
            by_hand(), MarginMonitor(), {"image": X, "person": Y}, loss=SOFTMAX
        )
    assert sorted(logs) == ["annealing", "loss"]


@pytest.mark.parametrize("data", [False, True])
@pytest.mark.parametrize("point", [[3.0, 4.0], [0.0, 0.0]])
def test_collapse_warns_once(data, point):
    """One direction, or all zero."""
    x = np.tile(np.array(point, "float32"), (4, 1))
    monitor = MarginMonitor(x, Y) if data else MarginMonitor()
    model = MarginModel(backbone(), AMSoftmax(2))
    with pytest.warns(UserWarning, match="Collapse in epoch 1") as caught:
        logs = train(model, monitor, x, epochs=2)
    assert sum("Collapse" in str(w.message) for w in caught) == 1
    assert logs["embedding_spread"] == pytest.approx([0.0, 0.0], abs=1e-3)


@pytest.mark.parametrize(("degrees", "warns"), [(11, True), (12, False)])
def test_collapse_threshold(degrees, warns):
    """Two classes `a` apart: the spread is sin(a / 2), 0.1 at 11.48."""
    a = math.radians(degrees)
    x = np.array([[1, 0], [math.cos(a), math.sin(a)]], "float32")
    y = np.array([0, 1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logs = train(
            MarginModel(backbone(), AMSoftmax(2)), MarginMonitor(), x, y
        )
    assert logs["embedding_spread"][0] == pytest.approx(
        math.sin(a / 2), rel=1e-4
    )
    assert any("Collapse" in str(w.message) for w in caught) == warns


def cosines(scale=1.0, **arguments):
    return CosineDense(
        2, scale=scale, kernel_initializer="identity", **arguments
    )


@pytest.mark.parametrize(
    ("head", "layers", "warns"),
    [
        (cosines, (), True),
        # log(9) / 2 = 1.1: the bound is 0.105 there.
        (lambda: cosines(1.2), (), False),
        # Training raises a learned scale, unless it stands at its end.
        (lambda: cosines(learn_scale=True), (), False),
        (
            lambda: cosines(learn_scale=True, scale_range=(0.01, 1.0)),
            (),
            True,
        ),
        # |x| is the scale: free, or held at 1 by a normalization before.
        (asoftmax, (), False),
        (asoftmax, (NormalizeLayer(),), True),
    ],
)
def test_saturation(head, layers, warns):
    """Opposite embeddings on opposite weights are the simplex of two."""
    model = MarginModel(backbone(*layers), head())
    x = np.array([[2, -2], [-2, 2]], "float32")
    model.backbone.layers[0].set_weights([np.eye(2), np.zeros(2)])
    kernel = np.array([[1, -1], [-1, 1]]) / math.sqrt(2)
    model.head.kernel.assign(kernel)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logs = train(model, MarginMonitor(), x, np.array([0, 1]))
    texts = [str(w.message) for w in caught if "saturated" in str(w.message)]
    assert bool(texts) == warns
    assert logs["embedding_spread"][0] == pytest.approx(1.0)
    if warns:
        bound = softmax_lower_bound(2, 1.0)
        assert logs["loss_without_margin"][0] == pytest.approx(bound, rel=1e-5)
        assert f"no less than {bound:.4g}" in texts[0]
        assert "scale of at least 2 " in texts[0]


def test_saturation_needs_a_loss_near_the_bound():
    """Swapped labels: the loss is far above."""
    model = MarginModel(backbone(), cosines())
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The softmax loss")
        train(model, MarginMonitor(), np.eye(2), np.array([1, 0]))


@pytest.mark.parametrize("scale", [1.0, 5.0, 30.0])
def test_no_weights_beat_the_bound_of_a_spread(scale):
    """`softmax_lower_bound(n, scale * spread)`, for many weights."""
    rng = np.random.default_rng(0)
    n, d = 6, 4
    labels = np.arange(4 * n) % n
    for tilt in (0.0, 1.0, 5.0):
        x = rng.normal(size=(len(labels), d)) + tilt
        u = x / np.linalg.norm(x, axis=1, keepdims=True)
        share = (n - 1) / n * (1 - mean_cosine(x, labels))
        bound = softmax_lower_bound(n, scale * math.sqrt(share))
        means = np.stack([u[labels == j].mean(axis=0) for j in range(n)])
        kernel = means - means.mean(axis=0)
        for _ in range(50):
            w = kernel / np.linalg.norm(kernel, axis=1, keepdims=True)
            logits = scale * u @ w.T
            own = logits[np.arange(len(u)), labels]
            top = logits.max(axis=1)
            rest = np.exp(logits - top[:, None]).sum(axis=1)
            loss = np.mean(np.log(rest) + top - own)
            assert loss >= bound
            kernel = w + 0.3 * rng.normal(size=w.shape)


def test_mean_cosine_agrees_with_every_pair():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 5)).astype("float32")
    x[:3] = 0.0
    labels = rng.integers(0, 4, 30)
    u = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30)
    cosines = u @ u.T
    cosines[:3, :3] = 1.0
    other = labels[:, None] != labels[None, :]
    wanted = cosines[other].mean()
    assert mean_cosine(x.astype("float64"), labels) == pytest.approx(wanted)
    found, pairs = spread.pair_cosines(
        keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(labels)
    )
    assert float(found) == pytest.approx(wanted, rel=1e-5)
    assert int(pairs) == other.sum()
    assert mean_cosine(x, np.zeros(30)) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X}, "`x` and `y` must be given together"),
        ({"y": Y}, "`x` and `y` must be given together"),
        ({"batch_size": 0}, "`batch_size` must be an integer, at least 1"),
        ({"collapse": -1.0}, "`collapse` must be a finite number, at least 0"),
        ({"saturation": "no"}, "`saturation` must be"),
        ({"prefix": 3}, "`prefix` must be a string"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        MarginMonitor(**arguments)


def test_an_interrupted_fit_stops_the_watch():
    model = MarginModel(backbone(), asoftmax())
    stop = keras.callbacks.LambdaCallback(
        on_batch_end=lambda batch, logs: 1 / 0
    )
    model.compile("sgd")
    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y, callbacks=[MarginMonitor(), stop], verbose=0)
    logs = model.evaluate(X, Y, return_dict=True, verbose=0)
    assert "embedding_norm" not in logs


def test_one_hot_labels_are_refused():
    model = MarginModel(backbone(), asoftmax())
    with pytest.raises(ValueError, match="pass `np"):
        train(model, MarginMonitor(X, np.eye(2)[Y]))


REPLICAS = """
import sys
import keras
import numpy as np
import keras_hypersphere as kh
from keras_hypersphere.testing import replicas

replicas.prepare(2)
with replicas.scope(2):
    dense = keras.layers.Dense(2, kernel_initializer="identity")
    backbone = keras.Sequential([keras.Input((2,)), dense])
    head = kh.layers.ASoftmax(2, kernel_initializer="identity")
    model = kh.models.MarginModel(backbone, head)
    loss = kh.losses.SoftmaxCrossEntropy()
    model.compile(keras.optimizers.SGD(0.0), loss)
data = np.load(sys.argv[1])
x, y = data["x"], data["y"]
found = {}
for name, monitor in {
    "steps": kh.callbacks.MarginMonitor(),
    "data": kh.callbacks.MarginMonitor(x, y, batch_size=3),
}.items():
    logs = model.fit(
        x, y, batch_size=8, shuffle=False, callbacks=[monitor], verbose=0
    ).history
    found |= {f"{name}_{key}": value for key, value in logs.items()}
np.savez(sys.argv[2], **found)
"""


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="replicas are tf.distribute's")
def test_two_replicas_measure_as_one(tmp_path):
    """19 samples in batches of 8, 8 and 3: the last is uneven."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(19, 2)) + 1).astype("float32")
    y = rng.integers(0, 2, 19)
    np.savez(tmp_path / "data.npz", x=x, y=y)
    paths = [str(tmp_path / "data.npz"), str(tmp_path / "logs.npz")]
    run = subprocess.run(
        [sys.executable, "-c", REPLICAS, *paths],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found = np.load(tmp_path / "logs.npz")
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(u[np.arange(19), y])).mean()
    spread_of_all = math.sqrt(0.5 * (1 - mean_cosine(x.astype(float), y)))
    for name in ("steps", "data"):
        for key, wanted in {
            "embedding_norm": np.linalg.norm(x, axis=1).mean(),
            "target_angle": angle,
            "loss_without_margin": plain_loss(x, y),
        }.items():
            value = found[f"{name}_{key}"][0]
            assert value == pytest.approx(wanted, rel=1e-5), (name, key)
    assert found["data_embedding_spread"][0] == pytest.approx(
        spread_of_all, rel=1e-5
    )
    # Pairs within the part of a batch that a replica has.
    pairs = []
    for rows in np.split(np.arange(19), [4, 8, 12, 16, 18]):
        cosines = u[rows] @ u[rows].T
        pairs.extend(cosines[y[rows][:, None] != y[rows][None]])
    assert found["steps_embedding_spread"][0] == pytest.approx(
        math.sqrt(0.5 * (1 - np.mean(pairs))), rel=1e-5
    )
    assert found["steps_annealing"][0] == pytest.approx(1000 / 1.36)
