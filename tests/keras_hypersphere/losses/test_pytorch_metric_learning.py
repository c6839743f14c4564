"""Our losses and measures against those of pytorch-metric-learning.

Where it is not installed, the loops of the other tests stand for it.
"""

import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.losses.cosine_oracle import BATCHES

pml = pytest.importorskip("pytorch_metric_learning")
torch = pytest.importorskip("torch")


def theirs(loss, x, labels, indices=None):
    """Value and gradient, in float64."""
    x = torch.tensor(x.astype("float64"), requires_grad=True)
    value = loss(x, torch.tensor(labels), indices)
    value.backward()
    slope = np.zeros(x.shape) if x.grad is None else x.grad.numpy()
    return float(value.detach()), slope


def require_equal(ours, wanted, x, labels):
    result = gradients(lambda x: (ours(labels, x), []), [x])
    value, slope = wanted
    np.testing.assert_allclose(result.value, value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        result.inputs[0], slope, rtol=1e-3, atol=1e-4 * np.abs(slope).max()
    )


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("mined", [False, True])
def test_multi_similarity(batch, mined):
    from pytorch_metric_learning import losses, miners

    x, labels = BATCHES[batch]
    indices = None
    if mined:
        miner = miners.MultiSimilarityMiner(epsilon=0.1)
        indices = miner(torch.tensor(x.astype("float64")), torch.tensor(labels))
    ours = kh.losses.MultiSimilarityLoss(epsilon=0.1 if mined else None)
    wanted = theirs(losses.MultiSimilarityLoss(), x, labels, indices)
    require_equal(ours, wanted, x, labels)


@pytest.mark.parametrize("batch", BATCHES)
def test_circle(batch):
    from pytorch_metric_learning import losses

    x, labels = BATCHES[batch]
    wanted = theirs(losses.CircleLoss(m=0.3, gamma=10), x, labels)
    require_equal(kh.losses.CircleLoss(10.0, 0.3), wanted, x, labels)


@pytest.mark.parametrize("batch", BATCHES)
def test_supervised_contrastive(batch):
    from pytorch_metric_learning import losses

    x, labels = BATCHES[batch]
    value, slope = theirs(losses.SupConLoss(0.2), x, labels)
    if len(set(labels)) == 1:
        # There a batch without a negative has no loss; the paper has one.
        assert value == 0
        if len(x) > 1:
            ours = kh.losses.SupervisedContrastiveLoss(0.2)
            assert float(ours(labels, x)) >= np.log(len(x) - 1) - 1e-6
        return
    require_equal(
        kh.losses.SupervisedContrastiveLoss(0.2), (value, slope), x, labels
    )


@pytest.mark.parametrize("batch", BATCHES)
def test_proxy_anchor(batch):
    from pytorch_metric_learning import losses

    x, labels = BATCHES[batch]
    kernel = np.random.default_rng(1).normal(size=(4, 10))
    loss = losses.ProxyAnchorLoss(10, 4, margin=0.1, alpha=32).double()
    loss.proxies.data = torch.tensor(kernel.T.copy())
    value, slope = theirs(loss, x, labels)
    head = kh.layers.ProxyAnchor(10)
    head.build((None, 4))
    head.kernel.assign(kernel)

    def function(x):
        head(x, labels)
        return head.losses[0], []

    result = gradients(function, [x], [head.kernel])
    np.testing.assert_allclose(result.value, value, rtol=1e-5)
    for found, wanted in (
        (result.inputs[0], slope),
        (result.variables[0], loss.proxies.grad.numpy().T),
    ):
        np.testing.assert_allclose(
            found, wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max()
        )


@pytest.mark.parametrize("ties", [False, True])
def test_retrieval(ties):
    from pytorch_metric_learning.utils.accuracy_calculator import (
        AccuracyCalculator,
    )

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)).astype("float32")
    x = np.sign(x) if ties else x
    labels = rng.integers(0, 40, 200)
    labels[:3] = [90, 91, 92]

    def search(query, k, reference, ref_includes_query):
        """Exact distances; of equal ones, the lowest index first."""
        gaps = torch.cdist(query.double(), reference.double())
        gaps = gaps.round(decimals=9)
        gaps.fill_diagonal_(float("inf"))
        order = torch.argsort(gaps, dim=1, stable=True)[:, :k]
        return torch.gather(gaps, 1, order), order

    calculator = AccuracyCalculator(
        include=(
            "precision_at_1",
            "r_precision",
            "mean_average_precision_at_r",
        ),
        k="max_bin_count",
        device=torch.device("cpu"),
        knn_func=search,
    )
    wanted = calculator.get_accuracy(x, labels)
    found = kh.evaluation.retrieval(x, labels, distance="l2")
    assert found.precision_at_1 == pytest.approx(wanted["precision_at_1"])
    assert found.recall_at(1) == pytest.approx(wanted["precision_at_1"])
    assert found.r_precision == pytest.approx(wanted["r_precision"])
    assert found.map_at_r == pytest.approx(
        wanted["mean_average_precision_at_r"]
    )


def test_triplets():
    """Their mean over the triplets that are not zero, ours over all."""
    from pytorch_metric_learning import distances, losses, reducers

    x, labels = BATCHES["random"]
    loss = losses.TripletMarginLoss(
        margin=0.5,
        distance=distances.LpDistance(normalize_embeddings=False, power=2),
        reducer=reducers.MeanReducer(),
    )
    ours = kh.losses.TripletLoss(0.5, "all")
    require_equal(ours, theirs(loss, x, labels), x, labels)
