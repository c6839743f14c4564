"""Proposal, against PVANet's steps and OpenCV, which knows no `min_size`."""

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_layers import Proposal
from keras_hypersphere.tools.caffe import CaffeFormatError, to_keras, verify

HEIGHT, WIDTH, ANCHORS = 5, 7, 6
SETTINGS = "ratio: 0.5 ratio: 1 ratio: 2 scale: 1.5 scale: 4 "
SIZE = np.array([[80, 112, 1.5, 1.25]], np.float32)


def layer(settings, tops='top: "rois" top: "points"'):
    return (
        'layer { name: "p" type: "Proposal" bottom: "scores" bottom: "shifts" '
        f'bottom: "size" {tops} proposal_param {{ {SETTINGS} {settings} }} }}'
    )


def inputs(images=1, seed=0):
    random = np.random.default_rng(seed)
    shape = (images, HEIGHT, WIDTH)
    return {
        "scores": random.uniform(
            0, 1, (images, 2 * ANCHORS, *shape[1:])
        ).astype(np.float32),
        "shifts": random.normal(
            0, 0.3, (images, 4 * ANCHORS, *shape[1:])
        ).astype(np.float32),
        "size": np.repeat(SIZE, images, 0),
    }


@pytest.mark.parametrize(
    "settings",
    [
        "min_size: 12 post_nms_topn: 12",
        "min_size: 0 nms_thresh: 0.3 pre_nms_topn: 50 post_nms_topn: 12",
        "base_size: 24 feat_stride: 12 post_nms_topn: 9 nms_thresh: 0.5",
    ],
)
def test_regions(referenced, settings):
    made = referenced(layer(settings), **inputs())
    assert (made["points"] >= 0).any()


def test_six_numbers_of_an_image(referenced):
    """PVANet's first networks give six, of which the layer reads four."""
    text = layer("min_size: 12 post_nms_topn: 12")
    four = referenced(text, **inputs())
    feed = inputs()
    feed["size"] = np.append(feed["size"], np.float32([[9, 99]]), 1)
    six = referenced(text, **feed)
    np.testing.assert_array_equal(six["rois"], four["rois"])
    np.testing.assert_array_equal(six["points"], four["points"])


def test_each_image_has_its_rows_and_its_size(net):
    feed = inputs(images=2)
    feed["size"][1, :2] = 40, 200
    one = layer("post_nms_topn: 20 nms_thresh: 0.05 min_size: 1")
    together = net(one, **feed)
    assert together["rois"].shape == (40, 5)
    for image in range(2):
        alone = net(one, **{k: v[image : image + 1] for k, v in feed.items()})
        rows = slice(20 * image, 20 * image + 20)
        np.testing.assert_array_equal(together["points"][rows], alone["points"])
        np.testing.assert_array_equal(
            together["rois"][rows] - [image, 0, 0, 0, 0], alone["rois"]
        )
    empty = together["points"] == -1
    assert empty.any() and not together["rois"][empty, 1:].any()
    assert not empty[0] and together["points"][0] > 0.9


def test_by_hand(net):
    """One anchor of 16 pixels, two places: moved by a quarter, and doubled."""
    shifts = np.zeros((1, 4, 1, 2), np.float32)
    shifts[0, 0, 0, 0] = 0.25
    shifts[0, 3, 0, 1] = np.log(2)
    scores = np.array([[[[9, 9]], [[0.25, 0.5]]]], np.float32)
    size = np.array([[24, 32, 1]], np.float32)
    text = layer("post_nms_topn: 3").replace(SETTINGS, "ratio: 1 scale: 1 ")
    made = net(text, scores=scores, shifts=shifts, size=size)
    np.testing.assert_allclose(
        made["rois"],
        # Caffe's ends lie a pixel further than they were.
        [[0, 16, 0, 31, 23], [0, 4, 0, 20, 16], [0, 0, 0, 0, 0]],
        atol=1e-5,
    )
    np.testing.assert_array_equal(made["points"], [0.5, 0.25, -1])


def test_opencv_finds_the_same(net, opencv):
    text = layer("min_size: 0 post_nms_topn: 30", 'top: "rois"')
    feed = inputs()
    made = net(text, **feed)["rois"]
    found = opencv(feed, model=False)
    np.testing.assert_allclose(made, found, atol=1e-3)


def test_with_what_reads_it(write, tmp_path):
    """The regions of a detector, saved, loaded and verified."""
    path = write(
        'input: "scores" input_shape { dim: 1 dim: 12 dim: 5 dim: 7 } '
        'input: "shifts" input_shape { dim: 1 dim: 24 dim: 5 dim: 7 } '
        'input: "size" input_shape { dim: 1 dim: 3 } '
        + layer("post_nms_topn: 9", 'top: "rois"')
        + 'layer { name: "r" type: "ROIPooling" bottom: "shifts" '
        'bottom: "rois" top: "y" roi_pooling_param '
        "{ pooled_h: 2 pooled_w: 2 spatial_scale: 0.0625 } }"
    )
    model = to_keras(path)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    report = verify(loaded, path)
    assert report.passed, report
    assert any(isinstance(one, Proposal) for one in loaded.layers)


def test_verified_with_its_scores(write):
    """OpenCV's scores have an axis more than Caffe's."""
    path = write(
        'input: "scores" input_shape { dim: 1 dim: 12 dim: 5 dim: 7 } '
        'input: "shifts" input_shape { dim: 1 dim: 24 dim: 5 dim: 7 } '
        'input: "size" input_shape { dim: 1 dim: 6 } '
        + layer("post_nms_topn: 9")
    )
    report = verify(to_keras(path), path)
    assert report.passed, report


def test_refusals(net):
    feed = inputs()
    for settings, words in (
        ("scale: 7", "takes 18 channels, 2 for each of 9"),
        ("post_nms_topn: 0", "`post_nms_topn` must be positive"),
        ("nms_thresh: -1", "`nms_thresh` not negative"),
    ):
        with pytest.raises(CaffeFormatError, match=words):
            net(layer(settings), **feed)
    with pytest.raises(CaffeFormatError, match="3 numbers or more; it has 2"):
        net(layer(""), **{**feed, "size": SIZE[:, :2]})
    text = layer("").replace(SETTINGS, "ratio: 1")
    with pytest.raises(CaffeFormatError, match="a `ratio` and a `scale`"):
        net(text, **feed)


def test_a_layer_needs_anchors():
    with pytest.raises(ValueError, match="Received: ratios=\\[\\]"):
        Proposal([], [1.0])
