"""Fast R-CNN's loss of boxes, by its formula, and its gradient by hand."""

import keras
import numpy as np
import pytest

from keras_hypersphere.testing.gradients import gradients
from keras_hypersphere.tools.caffe import CaffeFormatError, to_keras, verify

pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")
RNG = np.random.default_rng(0)
SHAPE = (4, 8)
NAMES = ("x", "target", "inside", "outside")


def write_net(write, count, settings="", shapes=(SHAPE,) * 4):
    text = ""
    for name, shape in zip(NAMES[:count], shapes, strict=False):
        dims = " ".join(f"dim: {size}" for size in shape)
        text += f'input: "{name}" input_shape {{ {dims} }}\n'
    bottoms = " ".join(f'bottom: "{name}"' for name in NAMES[:count])
    return write(
        f'{text}layer {{ name: "l" type: "SmoothL1Loss" {bottoms} top: "l" '
        f"loss_weight: 2 {settings} }}"
    )


def by_hand(arrays, sigma):
    """The value, and Caffe's gradient by the first bottom."""
    x, target, inside, outside = (a.astype(float) for a in arrays)
    gap = inside * (x - target)
    near = abs(gap) < 1 / sigma**2
    losses = np.where(near, (sigma * gap) ** 2 / 2, abs(gap) - 0.5 / sigma**2)
    slopes = np.where(near, sigma**2 * gap, np.sign(gap))
    return 2 * (outside * losses).sum() / 4, 2 * slopes / 4


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("sigma", [None, 3.0, 0.5])
def test_value_and_gradient(count, sigma, write):
    settings = f"smooth_l1_loss_param {{ sigma: {sigma} }}" if sigma else ""
    path = write_net(write, count, settings)
    model = to_keras(path, phase="TRAIN")
    arrays = [RNG.normal(size=SHAPE).astype("f4") for _ in range(count)]
    # Some entries are of no box.
    for weights in arrays[2:]:
        weights[:2] = 0

    def total(*tensors):
        model(dict(zip(NAMES, tensors, strict=False)), training=True)
        (loss,) = model.losses
        return loss, loss

    result = gradients(total, arrays)
    full = arrays + [np.ones(SHAPE)] * (4 - count)
    value, slope = by_hand(full, sigma or 1)
    if count == 4:
        slope = slope * full[2] * full[3]
    np.testing.assert_allclose(float(result.value), value, rtol=2e-5)
    by_x, by_target, *by_weights = result.inputs
    np.testing.assert_allclose(by_x, slope, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_target, -slope, rtol=1e-5, atol=1e-6)
    assert not any(np.any(weights) for weights in by_weights)


def test_saved_and_verified(write, tmp_path):
    shapes = [(4, 2, 2, 2), (4, 2, 2, 2), (4, 8), (4, 2, 2, 2)]
    settings = "smooth_l1_loss_param { sigma: 3 }"
    path = write_net(write, 4, settings, shapes)
    to_keras(path, phase="TRAIN").save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    report = verify(loaded, path, phase="TRAIN")
    assert report.passed, report


def test_left_out_at_inference(write):
    assert to_keras(write_net(write, 4)).output_names == ["x"]


def test_sizes_must_agree(write):
    path = write_net(write, 2, shapes=[(4, 8), (4, 7)])
    with pytest.raises(CaffeFormatError, match=r"\(None, 8\), \(None, 7\)"):
        to_keras(path, phase="TRAIN")
