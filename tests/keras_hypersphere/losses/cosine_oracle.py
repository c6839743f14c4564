"""Loops in float64 that the losses of cosines are held against."""

import math

import numpy as np

from keras_hypersphere.testing.gradients import gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 4)).astype("float32")
# A class of one, of two, and larger ones.
LABELS = np.array([0, 1, 0, 2, 1, 0, 3, 3, 3])
# Name: embeddings and labels at which a loop and a loss must agree.
BATCHES = {
    "random": (X, LABELS),
    "ties": (np.repeat(X[:3], 3, axis=0), LABELS),
    "one class": (X, np.zeros(9, int)),
    "singletons": (X, np.arange(9)),
    "two samples": (X[:2], np.array([5, 5])),
    "one sample": (X[:1], np.array([7])),
}


def cosine(a, b):
    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def anchors(x, labels):
    """For each anchor, cosines to positives and to negatives."""
    x = np.asarray(x, "float64")
    for i in range(len(x)):
        others = [j for j in range(len(x)) if j != i]
        yield (
            [cosine(x[i], x[j]) for j in others if labels[j] == labels[i]],
            [cosine(x[i], x[j]) for j in others if labels[j] != labels[i]],
        )


def slopes(value, x, step=1e-6):
    """Derivative of a function of x, by differences."""
    found = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.astype("float64"), x.astype("float64")
        up[index] += step
        down[index] -= step
        found[index] = (value(up) - value(down)) / (2 * step)
    return found


def require_equal(loss, value, x, labels, slope_of=None):
    """Value and gradient of a loss are those of a float64 function."""
    result = gradients(lambda x: (loss(labels, x), []), [x])
    np.testing.assert_allclose(result.value, value(x), rtol=2e-5, atol=1e-6)
    wanted = slopes(slope_of or value, x)
    np.testing.assert_allclose(
        result.inputs[0], wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max()
    )
