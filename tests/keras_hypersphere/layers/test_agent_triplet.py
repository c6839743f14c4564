import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.testing.gradients import gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype("float32")
W = RNG.normal(size=(4, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 3, 0, 1])
# Spec by hand.
D = np.array([[0.5, 0.8, 1.2], [0.3, 0.2, 2.0]], "float32")


def head_of(**options):
    head = AgentTriplet(4, **options)
    head.build((None, 3))
    head.kernel.assign(W)
    return head


def run(head, x=X):
    def function(x):
        y = head(x, LABELS, training=True)
        (loss,) = head.losses
        return loss, [loss, y]

    return gradients(function, [x], [head.kernel])


def from_distances(d, labels, **options):
    head = AgentTriplet(d.shape[1], **options)
    labels = ops.convert_to_tensor(labels, "int32")

    def function(d):
        loss = ops.mean(head.agent_losses(d, labels, training=True))
        return loss, loss

    result = gradients(function, [d])
    return float(result.value), result.inputs[0]


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_by_hand(gradient):
    loss, slopes = from_distances(D, [0, 2], gradient=gradient)
    assert loss == pytest.approx(1.55)
    np.testing.assert_allclose(slopes, [[0.5, -0.5, 0], [0, -0.5, 0.5]])
    idle = np.array([[0.1, 1.5, 2.0]], "float32")
    loss, slopes = from_distances(idle, [0], gradient=gradient)
    assert loss == 0.0
    np.testing.assert_array_equal(slopes, [[1.0, 0.0, 0.0]])
    loss, slopes = from_distances(
        idle, [0], gradient=gradient, center_pull=False
    )
    assert loss == 0.0
    np.testing.assert_array_equal(slopes, np.zeros((1, 3)))


def test_all_negatives_by_hand():
    loss, slopes = from_distances(
        D, [0, 2], hardest_only=False, gradient="caffe"
    )
    assert loss == pytest.approx(2.85)
    np.testing.assert_allclose(slopes, [[0.5, -0.5, -0.5], [-0.5, -0.5, 0.5]])
    loss, slopes = from_distances(D, [0, 2], hardest_only=False)
    assert loss == pytest.approx(2.85)
    np.testing.assert_allclose(slopes, [[1.0, -0.5, -0.5], [-0.5, -0.5, 1.0]])


def test_both_modes_go_through_the_normalization():
    for gradient in ("exact", "caffe"):
        head = head_of(gradient=gradient)
        assert head.kernel.constraint is None
        radial = (run(head).variables[0] * W).sum(1)
        np.testing.assert_allclose(radial, 0, atol=1e-5)


def test_modes_agree_where_the_update_is_a_derivative():
    exact = run(head_of(center_pull=False))
    caffe = run(head_of(center_pull=False, gradient="caffe"))
    np.testing.assert_allclose(exact.value, caffe.value)
    np.testing.assert_allclose(exact.inputs[0], caffe.inputs[0], atol=1e-6)
    np.testing.assert_allclose(
        exact.variables[0], caffe.variables[0], atol=1e-6
    )


def test_the_weight_scales_loss_and_gradient():
    one, half = run(head_of()), run(head_of(loss_weight=0.5))
    np.testing.assert_allclose(half.value, 0.5 * one.value, rtol=1e-6)
    np.testing.assert_allclose(half.inputs[0], 0.5 * one.inputs[0], atol=1e-6)


def test_one_class_has_no_negative():
    head = AgentTriplet(1)
    head(X[:1], np.array([0]), training=True)
    assert float(head.losses[0]) == 0.0
