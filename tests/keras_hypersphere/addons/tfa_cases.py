"""Batches on which TensorFlow Addons and we are compared; NumPy only.

A case is a dict: `loss` (a class of `tfa.losses`), `kwargs`, `labels`,
`inputs`, `dtype`. Where TensorFlow Addons does not give a number, `instead`
says what we give.
"""

import numpy as np

METRICS = ("L2", "squared-L2", "angular")
# Functions, which both sides write on their own; see `record_tfa.METRICS`.
FUNCTIONS = ("function:gram", "function:skew")
CLASSES = ("TripletSemiHardLoss", "TripletHardLoss", "LiftedStructLoss")


def batch(seed, count, size, classes, unit=True):
    """Embeddings, some close to their class, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    centers = rng.normal(size=(classes, size))
    x = centers[labels] + rng.normal(size=(count, size))
    if unit:
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    return labels, x.astype("float32")


def case(
    loss, labels, inputs, instead=None, dtype="float32", smooth=True, **kwargs
):
    return {
        "loss": loss,
        "kwargs": kwargs,
        "labels": np.asarray(labels),
        "inputs": np.asarray(inputs, "float32"),
        "dtype": dtype,
        "instead": instead,
        # Where nearest negatives tie, TensorFlow Addons' gradient is not the
        # derivative of its lifted loss.
        "derivative": loss == "LiftedStructLoss" and not smooth,
    }


def variants():
    """Losses of embeddings, with their arguments."""
    for metric in METRICS + FUNCTIONS:
        for margin in (1.0, 0.2):
            given = {"margin": margin, "distance_metric": metric}
            yield "TripletSemiHardLoss", given
            yield "TripletHardLoss", given
        given = {"distance_metric": metric, "soft": True}
        yield "TripletHardLoss", given
    for margin in (1.0, 0.5):
        yield "LiftedStructLoss", {"margin": margin}


def random(sizes):
    """Ordinary batches of every size, unit vectors and others."""
    for seed, (count, size, classes) in enumerate(sizes):
        for unit in (True, False):
            labels, x = batch(seed, count, size, classes, unit)
            for loss, kwargs in variants():
                yield case(loss, labels, x, **kwargs)


def edges():
    """What batches can be besides ordinary."""
    _, x = batch(100, 6, 4, 3)
    twice = np.concatenate([x[:3], x[:3]])
    grid = np.array([[0, 0], [1, 0], [0, 1], [1, 1], [2, 0], [0, 2]])
    zeros = np.zeros((6, 4))
    pairs = [0, 0, 1, 1, 2, 2]
    for loss, kwargs in variants():
        metric = kwargs.get("distance_metric", "L2")
        lifted = loss == "LiftedStructLoss"
        needs_positives = loss != "TripletHardLoss"
        nothing = 0.0 if needs_positives else None
        yield case(loss, np.arange(6), x, nothing, **kwargs)
        yield case(loss, [7] * 6, x, 0.0 if lifted else None, **kwargs)
        yield case(loss, [3], x[:1], nothing, **kwargs)
        yield case(loss, [1, 2], x[:2], nothing, **kwargs)
        # One class of one, and labels of every kind.
        yield case(loss, [5, -2, -2, 5, 9, 5], x, **kwargs)
        yield case(loss, [[0], [1], [1], [0], [2], [0]], x, **kwargs)
        large = np.array([0, 1, 1, 0, 2, 0]) + 2**40
        yield case(loss, large, x, **kwargs)
        yield case(loss, np.array(pairs, "float32"), x, **kwargs)
        # Equal distances, which share a gradient.
        yield case(loss, [0, 1, 2, 0, 1, 2], twice, **kwargs)
        yield case(loss, [0, 0, 0, 1, 1, 1], twice, **kwargs)
        if metric != "angular":
            ties = {**kwargs, "smooth": False}
            yield case(loss, pairs, grid, **ties)
            yield case(loss, [0, 1, 1, 0, 0, 1], grid, **ties)
            yield case(loss, pairs, zeros, **kwargs)
        if metric == "squared-L2" and "soft" not in kwargs:
            yield case(loss, pairs, 100.0 * grid, **kwargs)
    # A hinge of exactly zero; a margin below zero.
    for loss in CLASSES:
        for margin in (0.0, -0.5):
            yield case(loss, pairs, grid, smooth=False, margin=margin)
            yield case(loss, pairs, x, margin=margin)
    far = np.array([[0.0], [200.0], [1.0], [2.0]])
    # Anchors at 0, 200, 1, 2: differences of 200 - 1, 200 - 198, 1 - 1, 1 - 2.
    soft = np.mean(np.logaddexp(0.0, [199.0, 2.0, 0.0, -1.0]))
    yield case("TripletHardLoss", [0, 0, 1, 1], far, soft=True, instead=soft)


def halves():
    """Embeddings of half precision."""
    for dtype in ("float16", "bfloat16"):
        labels, x = batch(200, 12, 4, 4)
        for loss, kwargs in variants():
            yield case(loss, labels, x, dtype=dtype, **kwargs)
        labels, logits = batch(201, 6, 6, 3, unit=False)
        yield case("NpairsLoss", labels, logits, dtype=dtype)
        flags = labels % 2
        distances = np.abs(logits[:, 0])
        yield case("ContrastiveLoss", flags, distances, dtype=dtype)


def pairs():
    """Losses of distances and similarities."""
    for seed in range(3):
        rng = np.random.default_rng(300 + seed)
        count = (1, 5, 24)[seed]
        flags = rng.integers(0, 2, count)
        distances = rng.uniform(0.0, 2.0, count)
        for margin in (1.0, 2.0, 0.5):
            for reduction in ("sum_over_batch_size", "sum", "none"):
                yield case(
                    "ContrastiveLoss",
                    flags,
                    distances,
                    margin=margin,
                    reduction=reduction,
                )
        scale = (1.0, 10.0, 100.0)[seed]
        logits = scale * rng.normal(size=(count, count))
        labels = rng.integers(0, 4, count)
        yield case("NpairsLoss", labels, logits)
        yield case("NpairsLoss", np.arange(count), logits)
        yield case("NpairsLoss", labels * 0, logits)
        several = rng.integers(0, 2, (count, 5))
        several[:, 0] |= several.sum(axis=1) == 0
        yield case("NpairsMultilabelLoss", several, logits)
        yield case("NpairsMultilabelLoss", several * 0, logits, 0.0)
    yield case("ContrastiveLoss", [0, 1], [1.0, 0.0])
    yield case("ContrastiveLoss", [0.25, 0.75], [0.5, 0.5])


def examples():
    """Those of our docstrings."""
    corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")
    angles = np.array([0.0, 0.4, 0.6, 0.45])
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    line = [[0.0], [1.0], [3.0]]
    yield case("TripletSemiHardLoss", [0, 0, 1, 1], x, margin=0.2)
    yield case("TripletSemiHardLoss", [0, 0], [[0.0, 1.0], [1.0, 0.0]])
    compass = [[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]]
    yield case("TripletHardLoss", [0, 0, 1], compass, soft=True)
    yield case("TripletHardLoss", [0, 0, 1], line)
    yield case("LiftedStructLoss", [0, 0, 1], line, margin=2.0)
    yield case("LiftedStructLoss", [0, 0, 1], line)
    yield case("NpairsLoss", np.arange(4), corners @ corners.T)
    several = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
    yield case("NpairsMultilabelLoss", several, corners @ corners.T)
    yield case("ContrastiveLoss", [1, 0], [0.5, 0.5], margin=2.0)


def cases(small):
    """All, or those of a fixture."""
    sizes = [(10, 6, 4), (20, 6, 4)]
    if not small:
        sizes += [(33, 16, 5), (64, 8, 3), (96, 32, 40), (240, 64, 6)]
    for source in (random(sizes), edges(), halves(), pairs(), examples()):
        yield from source


def maxouts():
    """Inputs and arguments of the layer, equal entries among them."""
    rng = np.random.default_rng(400)
    for shape, kwargs in (
        ((5, 4, 2, 18), {"num_units": 3}),
        ((2, 20, 3, 6), {"num_units": 4, "axis": 1}),
        ((2, 20, 3, 6), {"num_units": 4, "axis": -3}),
        ((7, 12), {"num_units": 12}),
        ((7, 12), {"num_units": 1}),
    ):
        yield kwargs, rng.normal(size=shape).astype("float32")
        yield kwargs, rng.integers(0, 2, shape).astype("float32")


def fits():
    """Training with SGD: what is logged, and the weights behind it."""
    labels, x = batch(500, 22, 5, 4, unit=False)
    kernel = np.random.default_rng(501).normal(size=(5, 5)) / 2
    losses = [(loss, {}) for loss in CLASSES]
    losses.append(("TripletHardLoss", {"soft": True}))
    for loss, kwargs in losses:
        yield loss, kwargs, x, labels, kernel, None
    weights = np.linspace(0.5, 2.0, 22)
    yield "TripletSemiHardLoss", {}, x, labels, kernel, weights
    yield "ContrastiveLoss", {}, x, labels % 2, kernel[:, :1], None
    yield "ContrastiveLoss", {}, x, labels % 2, kernel[:, :1], weights
    labels, x = batch(502, 5, 5, 3, unit=False)
    several = np.eye(3)[labels]
    several[:, 1] = 1
    yield "NpairsMultilabelLoss", {}, x, several, kernel, None
    yield "NpairsLoss", {}, x, labels, kernel, None
