"""PSROIPooling, against R-FCN's steps."""

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((3, 18, 12, 17), np.float32)


def layer(settings="spatial_scale: 0.0625 output_dim: 2 group_size: 3"):
    return (
        'layer { name: "r" type: "PSROIPooling" bottom: "x" bottom: "rois" '
        f'top: "y" psroi_pooling_param {{ {settings} }} }}'
    )


def random_regions(count):
    corners = RANDOM.uniform(-30, 320, (count, 2, 2))
    corners.sort(axis=1)
    samples = RANDOM.integers(0, 3, count)
    rois = np.column_stack([samples, corners.reshape(count, 4)])
    return rois.astype(np.float32)


def test_regions(referenced, net, tmp_path):
    rois = random_regions(60)
    # A point, one turned round, one outside, halves, and the whole map.
    rois[0, 1:] = 37, 52, 37, 52
    rois[1, 1:] = 90, 90, 20, 20
    rois[2, 1:] = 900, 900, 950, 950
    rois[3, 1:] = 15.5, -15.5, 46.5, 62.5
    rois[4, 1:] = 0, 0, 271, 191
    # Edges between cells, where rounding decides.
    rois[5:20, 1:] = np.sort(
        RANDOM.integers(0, 12, (15, 2, 2)) * 16, axis=1
    ).reshape(15, 4) - [0, 0, 1, 1]
    made = referenced(layer(), x=X, rois=rois)["y"]
    assert not made[2].any() and made[4].all()
    net.model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    again = loaded([X.transpose(0, 2, 3, 1), rois])
    again = keras.ops.convert_to_numpy(again).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(again, made)


def test_each_cell_has_its_channels(net):
    """Channel (unit x grid + row) x grid + column."""
    x = np.broadcast_to(np.arange(18.0)[None, :, None, None], (1, 18, 6, 6))
    made = net(layer(), x=x, rois=np.array([[0, 0, 0, 95, 95]]))["y"]
    np.testing.assert_array_equal(made, np.arange(18).reshape(1, 2, 3, 3))


def test_refusals(net):
    rois = random_regions(2)
    for settings, words in (
        ("spatial_scale: 1 output_dim: 2", "positive"),
        ("spatial_scale: 1 output_dim: 3 group_size: 3", "takes 27 channels"),
    ):
        with pytest.raises(CaffeFormatError, match=words):
            net(layer(settings), x=X, rois=rois)
    with pytest.raises(CaffeFormatError, match="5 numbers"):
        net(layer(), x=X, rois=rois[:, 1:])
    third = "spatial_scale: 0.3 output_dim: 2 group_size: 3"
    with pytest.raises(UnsupportedLayerError, match="power of two"):
        net(layer(third), x=X, rois=rois)
