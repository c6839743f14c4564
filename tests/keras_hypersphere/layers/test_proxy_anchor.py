import math

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.layers.proxy_anchor import ProxyAnchor
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.losses.cosine_oracle import (
    BATCHES,
    cosine,
    slopes,
)

KERNEL = np.random.default_rng(1).normal(size=(4, 10)).astype("float32")


def oracle(x, kernel, labels, alpha, margin):
    """A loop over proxies; a label of -1 belongs to none."""
    x, kernel = np.asarray(x, "float64"), np.asarray(kernel, "float64")
    pull, push = [], []
    rows = list(zip(x, labels, strict=True))
    for p, proxy in enumerate(kernel.T):
        own = [cosine(r, proxy) for r, y in rows if y == p]
        others = [cosine(r, proxy) for r, y in rows if y not in (p, -1)]
        if own:
            total = sum(math.exp(-alpha * (s - margin)) for s in own)
            pull.append(math.log(1 + total))
        total = sum(math.exp(alpha * (s + margin)) for s in others)
        push.append(math.log(1 + total))
    return sum(pull) / max(len(pull), 1) + sum(push) / len(push)


def run(x, labels, **options):
    head = ProxyAnchor(10, **options)
    head.build((None, 4))
    head.kernel.assign(KERNEL)

    def function(x):
        outputs = head(x, labels, training=True)
        return head.losses[0], outputs

    return gradients(function, [x], [head.kernel])


@pytest.mark.parametrize("batch", BATCHES)
def test_follows_the_loop(batch):
    x, labels = BATCHES[batch]
    result = run(x, labels, alpha=8.0, margin=0.2, loss_weight=0.5)

    def value(x, kernel):
        return 0.5 * oracle(x, kernel, labels, 8.0, 0.2)

    np.testing.assert_allclose(result.value, value(x, KERNEL), rtol=1e-5)
    for found, wanted in (
        (result.inputs[0], slopes(lambda x: value(x, KERNEL), x)),
        (result.variables[0], slopes(lambda w: value(x, w), KERNEL)),
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
    wanted = [[cosine(r, w) for w in KERNEL.T] for r in x]
    np.testing.assert_allclose(result.outputs, wanted, rtol=1e-4, atol=1e-6)


def test_ignored_samples_are_not_there():
    x, labels = BATCHES["random"]
    ignored = np.where(labels == 3, -1, labels)
    result = run(x, ignored, ignore_class=-1)
    kept = labels != 3
    wanted = oracle(x, KERNEL, ignored, 32.0, 0.1)
    np.testing.assert_allclose(result.value, wanted, rtol=1e-5)
    assert not result.inputs[0][~kept].any()


def test_no_batch_has_no_loss():
    head = ProxyAnchor(3)
    head(np.zeros((0, 4), "float32"), np.zeros(0, int), training=True)
    assert float(head.losses[0]) == 0


def test_trains_by_itself_and_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    y = np.arange(60) % 3
    x = (np.eye(3)[y] + 0.1 * np.random.rand(60, 3)).astype("float32")
    backbone = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model = kh.models.MarginModel(backbone, ProxyAnchor(3))
    model.compile(keras.optimizers.Adam(0.05))
    logs = model.fit(x, y, epochs=15, verbose=0).history
    assert set(logs) == {"accuracy", "loss", "proxy_anchor_loss"}
    assert logs["accuracy"][-1] == 1.0
    assert logs["loss"][-1] < 0.5 * logs["loss"][0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.head.get_config() == model.head.get_config()
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


def test_arguments_are_checked():
    for name, value in (
        ("alpha", 0.0),
        ("margin", None),
        ("loss_weight", -1.0),
        ("units", 0),
    ):
        with pytest.raises(ValueError, match=f"`{name}`"):
            ProxyAnchor(**{"units": 3, name: value})


def test_normalized_softmax_is_cosine_dense():
    assert kh.layers.NormalizedSoftmax is kh.layers.CosineDense
