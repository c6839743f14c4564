"""`gradient="straight-through"`: value with margin, slope of plain logits."""

import numpy as np
import pytest
from keras import ops

from keras_hypersphere import layers
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.testing.gradients import array, gradients
from tests.keras_hypersphere.layers.margin_cases import (
    LABELS,
    G,
    W,
    X,
    derivatives,
    made,
)

HEADS = [
    cls
    for cls in map(vars(layers).get, layers.__all__)
    if issubclass(cls, MarginHead)
    # The margin of a ProxyAnchor is in its loss, and not in its logits.
    and cls not in (MarginHead, layers.ProxyAnchor)
]


def built(cls, gradient, **arguments):
    head = cls(5, gradient=gradient, **arguments)
    if cls is layers.ElasticFace:
        head = cls(5, gradient=gradient, seed=0, **arguments)
    head.build((None, 4))
    rng = np.random.default_rng(1)
    for weight in head.trainable_weights:
        if weight.shape:
            weight.assign(rng.normal(size=weight.shape).astype("float32"))
    return head


@pytest.mark.parametrize("cls", HEADS)
def test_every_margin_head(cls):
    annealing = LambdaAnnealing(base=0.5, gamma=0.0, minimum=0.5)
    exact = built(cls, "exact", annealing=annealing)
    straight = built(cls, "straight-through", annealing=annealing)
    wanted = derivatives(exact, X, LABELS, G)
    found = derivatives(straight, X, LABELS, G)
    np.testing.assert_allclose(found.outputs, wanted.outputs, rtol=1e-6)

    def plain(x):
        y = straight(x)
        return ops.sum(ops.multiply(y, G)), y

    slope = gradients(plain, [X], straight.trainable_variables)
    np.testing.assert_allclose(
        found.inputs[0], slope.inputs[0], rtol=1e-4, atol=1e-4
    )
    for ours, theirs in zip(found.variables, slope.variables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    # The margin of these is a constant: there both modes are the same.
    same = cls in (layers.AMSoftmax, layers.UniFace)
    assert np.allclose(found.inputs[0], wanted.inputs[0], atol=1e-4) == same


def test_a_head_of_ones_own_gets_it_in_either_method():
    class Halved(MarginHead):
        def logits(self, x, classes=None):
            return self.cosines(x, classes)

        def apply_margin(
            self, logits, x, labels, annealing_value, training, classes=None
        ):
            return ops.where(
                self.target_mask(labels, classes), 0.5 * logits, logits
            )

    class AtOnce(Halved):
        def margin_logits(
            self, x, labels, annealing_value, training, classes=None
        ):
            return self.apply_margin(
                self.logits(x, classes), x, labels, None, training, classes
            )

    for cls in (Halved, AtOnce):
        exact = derivatives(made(cls), X, LABELS, G)
        head = made(cls, gradient="straight-through")
        found = derivatives(head, X, LABELS, G)
        np.testing.assert_allclose(found.outputs, exact.outputs, rtol=1e-6)
        unit = W / np.linalg.norm(W, axis=0)
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        flat = (G @ unit.T) / lengths
        along = np.sum(flat * X, axis=1, keepdims=True) / lengths**2
        np.testing.assert_allclose(found.inputs[0], flat - along * X, atol=1e-5)


@pytest.mark.parametrize(
    ("angle", "exact"), [(0.9, 119.5 / 64), (-0.95, -37.2 / 64)]
)
def test_arc_face_as_published(angle, exact):
    """64 at every angle, where the derivative is 119.5 and -37.2."""
    value = ops.array([[angle]], "float32")
    for gradient, wanted in (("straight-through", 1.0), ("exact", exact)):
        head = layers.ArcFace(1, gradient=gradient)

        def function(c, head=head):
            y = head.apply_margin(
                64.0 * c, None, ops.zeros((1,), "int32"), None, True
            )
            return ops.sum(y), y

        found = gradients(function, [value])
        slope = array(found.inputs[0])[0, 0] / 64.0
        if angle < 0 and gradient == "exact":
            # Beyond pi - m ours is a line, which the published is not.
            wanted = 1.0
        assert slope == pytest.approx(wanted, rel=1e-3)


def test_what_is_accepted():
    for cls in HEADS:
        published = cls in (
            layers.ArcFace,
            layers.AMSoftmax,
            layers.ASoftmax,
            layers.LSoftmax,
        )
        assert ("caffe" in cls.gradients) == published
