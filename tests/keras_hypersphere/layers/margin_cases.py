"""What the tests of the newer margin heads share: data, loops, derivatives."""

import math

import numpy as np
from keras import ops

from keras_hypersphere.testing.gradients import array, gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
W = RNG.normal(size=(4, 5)).astype("float32")
LABELS = np.array([0, 4, 2, 2, 1, 3])
G = RNG.normal(size=(6, 5)).astype("float32")


def made(cls, kernel=W, units=5, **arguments):
    """A built head with a kernel."""
    kernel = np.asarray(kernel, "float32")
    head = cls(units, **arguments)
    head.build((None, kernel.shape[0]))
    head.kernel.assign(kernel)
    return head


def cosine(a, b):
    """Of two vectors, in float64."""
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    return float(a @ b / math.sqrt(a @ a) / math.sqrt(b @ b))


def loops(x, w, labels, scale, target, other=lambda c, i: c):
    """(N, C) logits: `target(cosine, i)` and `other(cosine, i)` by hand."""
    out = np.zeros((len(x), np.shape(w)[1]))
    for i in range(len(x)):
        for j in range(out.shape[1]):
            value = cosine(x[i], np.asarray(w)[:, j])
            change = target if j == labels[i] else other
            out[i, j] = scale * change(value, i)
    return out


def derivatives(head, x, labels, upstream=None, losses=False):
    """Outputs and the gradients by inputs and by weights of a step."""
    if upstream is None:
        upstream = np.ones((len(x), head.units), "float32")

    def function(x):
        y = head(x, labels=labels, training=True)
        value = ops.sum(ops.multiply(y, upstream))
        return (sum(head.losses) if losses else value), y

    return gradients(function, [x], head.trainable_variables)


def numeric(function, x, step=1e-5):
    """Central differences of a function of a float64 array."""
    x = np.array(x, "float64")
    out = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            ends.append(function(moved))
        out[place] = (ends[0] - ends[1]) / (2 * step)
    return out


def check_exact(head, expected, x=X, w=W, atol=2e-4):
    """Values and both gradients equal a float64 statement `expected(x, w)`."""
    found = derivatives(head, x, LABELS, G)
    np.testing.assert_allclose(found.outputs, expected(x, w), atol=1e-4)
    by_x = numeric(lambda x: (expected(x, w) * G).sum(), x)
    by_w = numeric(lambda w: (expected(x, w) * G).sum(), w)
    np.testing.assert_allclose(found.inputs[0], by_x, atol=atol, rtol=1e-4)
    np.testing.assert_allclose(found.variables[0], by_w, atol=atol, rtol=1e-4)


def check_finite(head, x=None, w=W):
    """Values and gradients where cosines are 1, -1 and 0, and of zeros."""
    if x is None:
        own = np.asarray(w)[:, 0]
        x = np.stack([0 * own, own, -own, 1e15 * own, 1e-20 * own, own + 1e-7])
    x = np.asarray(x, "float32")
    labels = np.zeros(len(x), int)
    for losses in (False, True) if head.adds_loss else (False,):
        found = derivatives(head, x, labels, losses=losses)
        parts = [found.outputs, *found.inputs, *found.variables]
        assert all(np.isfinite(part).all() for part in parts)
    return found


def output(head, x=X, labels=LABELS, **arguments):
    """Logits as NumPy."""
    arguments = {"training": True, **arguments}
    return array(head(np.asarray(x, "float32"), labels=labels, **arguments))
