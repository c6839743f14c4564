"""Layers that no recording has: small cases by hand, and every converter."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    UnsupportedLayerError,
    register_reference,
    to_keras,
    verify,
)
from keras_hypersphere.tools.caffe.layer_type import LAYER_TYPES
from tests.tools.caffe.reference.one_layer import check_converter, prototxt


def test_every_converter_has_a_reference(write):
    """But inputs, and losses that no phase converts."""
    without = {
        name
        for name, kind in LAYER_TYPES.items()
        if kind.convert and not kind.reference and name != "Input"
    }
    for type in without:
        shapes = [(2, 3), (2, 3)]
        path = write(prototxt(type, "", shapes))
        assert LAYER_TYPES[type].left_out
        with pytest.raises(UnsupportedLayerError, match="training with this"):
            to_keras(path, phase="TRAIN")


def test_small_activations(compute):
    x = [[-2.0, 0.5, 9.0]]
    assert compute("ReLU6", "", x).tolist() == [[0, 0.5, 6]]
    clip = "clip_param { min: -1 max: 1 }"
    assert compute("Clip", clip, x).tolist() == [[-1, 0.5, 1]]
    swish = compute("Swish", "swish_param { beta: 2 }", x)
    np.testing.assert_allclose(swish[0, 1], 0.5 / (1 + np.exp(-1)))


def test_shuffle_and_axpy(compute):
    x = np.arange(6.0).reshape(1, 6, 1, 1)
    made = compute("ShuffleChannel", "shuffle_channel_param { group: 2 }", x)
    assert made.ravel().tolist() == [0, 3, 1, 4, 2, 5]
    made = compute("Axpy", "", np.full((1, 6), 2.0), x, x)
    assert made.ravel().tolist() == [0, 3, 6, 9, 12, 15]


def test_interp_keeps_the_corners(compute):
    x = np.array([[0.0, 4.0], [8.0, 12.0]]).reshape(1, 1, 2, 2)
    made = compute("Interp", "interp_param { height: 3 width: 5 }", x)
    assert made[0, 0].tolist() == [
        [0, 1, 2, 3, 4],
        [4, 5, 6, 7, 8],
        [8, 9, 10, 11, 12],
    ]


def test_upsample_puts_maxima_back(compute):
    x = np.array([[1.0, 5, 2], [3, 4, 9]]).reshape(1, 1, 2, 3)
    pool = "pooling_param { kernel_size: 2 stride: 2 }"
    top, mask = compute("Pooling", pool, x, tops=2)
    assert top.ravel().tolist() == [5, 9]
    assert mask.ravel().tolist() == [1, 5]
    made = compute(
        "Upsample", "upsample_param { upsample_h: 2 upsample_w: 3 }", top, mask
    )
    assert made[0, 0].tolist() == [[0, 5, 0], [0, 0, 9]]


def test_spp(compute):
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    made = compute("SPP", "spp_param { pyramid_height: 2 }", x)
    assert made.tolist() == [[15, 5, 7, 13, 15]]


def test_roi_pooling(compute):
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    boxes = [[0, 0, 0, 3, 3], [0, 2, 2, 6, 6]]
    made = compute(
        "ROIPooling",
        "roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.5 }",
        x,
        boxes,
    )
    # 3 / 2 is rounded to 2: cells 0 to 2, in bins of 1.5.
    assert made[0, 0].tolist() == [[5, 6], [9, 10]]
    assert made[1, 0].tolist() == [[10, 11], [14, 15]]


def test_normalize_of_ssd(compute):
    x = np.array([[3.0, 4.0]]).reshape(1, 2, 1, 1)
    made = compute(
        "Normalize",
        "norm_param { across_spatial: false channel_shared: false "
        "scale_filler { value: 20 } }",
        x,
    )
    np.testing.assert_allclose(made.ravel(), [12, 16])


def test_prior_boxes(compute):
    made = compute(
        "PriorBox",
        "prior_box_param { min_size: 4.9 max_size: 9 aspect_ratio: 4 "
        "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 }",
        np.zeros((1, 1, 1, 1)),
        np.zeros((1, 3, 20, 10)),
    )
    assert made.shape == (1, 2, 16)
    # Sizes 4, 6, 8 x 2 and 2 x 8 around (5, 10).
    np.testing.assert_allclose(
        made[0, 0].reshape(4, 4),
        [
            [0.3, 0.4, 0.7, 0.6],
            [0.2, 0.35, 0.8, 0.65],
            [0.1, 0.45, 0.9, 0.55],
            [0.4, 0.3, 0.6, 0.7],
        ],
    )
    np.testing.assert_allclose(made[0, 1], [0.1, 0.1, 0.2, 0.2] * 4)


def test_detections(compute):
    priors = [[0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6]]
    made = compute(
        "DetectionOutput",
        "detection_output_param { num_classes: 2 keep_top_k: 4 "
        "nms_param { nms_threshold: 0.5 } confidence_threshold: 0.1 }",
        np.zeros((1, 12)),
        np.array([[0.2, 0.8, 0.1, 0.9, 0.7, 0.3]]),
        np.array([np.ravel(priors), np.ones(12)])[None],
    )
    # The first prior overlaps the second, which is better.
    assert made.shape == (1, 1, 3, 7)
    np.testing.assert_allclose(
        made[0, 0],
        [
            [0, 1, 0.9, 0, 0, 2, 1.9],
            [0, 1, 0.3, 5, 5, 6, 6],
            [0, -1, -1, -1, -1, -1, -1],
        ],
    )


FOUR = (2, 6, 5, 7)
# Type, settings, shapes of bottoms, shapes of blobs, tops: what recordings do
# not have. Converter and reference must agree.
CASES = [
    ("Clip", "clip_param { min: -0.5 max: 0.5 }", [FOUR], [], 1),
    ("ReLU6", "", [FOUR], [], 1),
    ("Swish", "swish_param { beta: 2 }", [FOUR], [], 1),
    ("Axpy", "", [(2, 6), FOUR, FOUR], [], 1),
    ("ShuffleChannel", "shuffle_channel_param { group: 3 }", [FOUR], [], 1),
    ("Interp", "interp_param { height: 9 width: 4 }", [FOUR], [], 1),
    (
        "Interp",
        "interp_param { zoom_factor: 3 pad_beg: -1 pad_end: -1 }",
        [FOUR],
        [],
        1,
    ),
    (
        "SPP",
        "spp_param { pyramid_height: 3 pool: AVE }",
        [(2, 6, 8, 7)],
        [],
        1,
    ),
    ("SPP", "spp_param { pyramid_height: 1 }", [FOUR], [], 1),
    ("Pooling", "pooling_param { kernel_size: 2 stride: 2 }", [FOUR], [], 2),
    (
        "Pooling",
        "pooling_param { kernel_size: 1 stride: 4 pool: AVE }",
        [(2, 3, 6, 7)],
        [],
        1,
    ),
    ("LRN", "lrn_param { k: 2 local_size: 3 alpha: 2 }", [FOUR], [], 1),
    ("MVN", "mvn_param { eps: 0.1 across_channels: true }", [FOUR], [], 1),
    ("Power", "power_param { power: 0 }", [FOUR], [], 1),
    ("Power", "power_param { scale: 0 shift: 2 power: 3 }", [FOUR], [], 1),
    ("Permute", "permute_param { order: 0 order: 3 }", [FOUR], [], 1),
    (
        "ROIPooling",
        "roi_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.5 }",
        [(1, 6, 8, 9), (4, 5)],
        [],
        1,
    ),
    (
        "PriorBox",
        "prior_box_param { min_size: 30.5 max_size: 60 aspect_ratio: 2 }",
        [(1, 6, 5, 7), (1, 3, 100, 120)],
        [],
        1,
    ),
    ("Normalize", "norm_param { channel_shared: false }", [FOUR], [(6,)], 1),
    (
        "Embed",
        "embed_param { num_output: 3 input_dim: 5 }",
        [(4,)],
        [(5, 3), (3,)],
        1,
    ),
    (
        "Im2col",
        "convolution_param { kernel_size: 3 stride: 2 pad: 1 }",
        [FOUR],
        [],
        1,
    ),
    ("BatchReindex", "", [FOUR, (3,)], [], 1),
    (
        "DepthwiseConvolution",
        "convolution_param { kernel_size: 3 num_output: 6 stride: 2 }",
        [FOUR],
        [(6, 1, 3, 3), (6,)],
        1,
    ),
    (
        "MarginInnerProduct",
        "margin_inner_product_param { num_output: 4 type: QUADRUPLE }",
        [(3, 8), (3,)],
        [(4, 8)],
        2,
    ),
    ("ChannelScale", "", [(2, 6), (2, 1)], [], 1),
    ("Dropout", "dropout_param { sqrt_scale: true }", [FOUR], [], 1),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_the_converter_agrees(case, write):
    check_converter(case, write, "TEST")


def test_detections_of_a_converted_model(write):
    path = write(
        """
        input: "image" input_shape { dim: 2 dim: 3 dim: 60 dim: 60 }
        input: "map" input_shape { dim: 2 dim: 4 dim: 3 dim: 3 }
        input: "where" input_shape { dim: 2 dim: 72 }
        input: "what" input_shape { dim: 2 dim: 54 }
        layer { name: "p" type: "PriorBox" bottom: "map" bottom: "image"
          top: "p" prior_box_param { min_size: 20 max_size: 40 } }
        layer { name: "d" type: "DetectionOutput" bottom: "where"
          bottom: "what" bottom: "p" top: "d" detection_output_param {
            num_classes: 3 keep_top_k: 9 code_type: CENTER_SIZE
            nms_param { nms_threshold: 0.4 top_k: 8 eta: 0.9 } } }
        """
    )
    report = verify(to_keras(path), path)
    assert report.passed, report
    assert report.rows[-1].shape == (2, 1, 9, 7)
    assert report.rows[-1].relative < 1e-6


def test_weights_that_nobody_knows(write):
    """Without a model a random filler's values are the model's own secret."""
    path = write(
        prototxt(
            "InnerProduct",
            "inner_product_param { num_output: 3 "
            'weight_filler { type: "xavier" } }',
            [(2, 4)],
        )
    )
    report = verify(to_keras(path), path)
    assert not report.passed
    assert "its weights are random" in report.summary()


@pytest.mark.parametrize("type", ["", None, 3])
def test_a_type_is_a_name(type):
    with pytest.raises(ValueError, match="must be the type of a Caffe layer"):
        register_reference(type)
