"""YoloDetectionOutput and Yolov3DetectionOutput, against the fork's steps."""

import math

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_layers.detection_output import found_rows
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

CLASSES = 3
BIASES = [(10, 14), (23, 27), (37, 58), (81, 82)]
MASK, SCALES = [2, 3, 0, 1], [32, 16]
V3 = "".join(
    [
        f"num_classes: {CLASSES} num_box: 2 ",
        *(f"biases: {a} biases: {b} " for a, b in BIASES),
        *(f"mask: {number} " for number in MASK),
        *(f"anchors_scale: {scale} " for scale in SCALES),
    ]
)
V2 = f"num_classes: {CLASSES} num_box: 2 biases: 1.5 biases: 2 " + (
    "biases: 3 biases: 1 "
)


def layer(version, settings, bottoms=2):
    word = "yolov3" if version == 3 else "yolo"
    return (
        f'layer {{ name: "d" type: "{word.capitalize()}DetectionOutput" '
        + "".join(f'bottom: "{name}" ' for name in "abc"[:bottoms])
        + f'top: "found" {word}_detection_output_param {{ {settings} }} }}'
    )


def maps(images=2, seed=0, sizes=((4, 4), (8, 8))):
    random = np.random.default_rng(seed)
    return {
        name: random.normal(0, 1.5, (images, 2 * (5 + CLASSES), *size)).astype(
            "f4"
        )
        for name, size in zip("ab", sizes, strict=True)
    }


def logistic(x):
    return 1 / (1 + math.exp(-x))


def overlap(a, b):
    sides = [
        min(a[i] + a[i + 2] / 2, b[i] + b[i + 2] / 2)
        - max(a[i] - a[i + 2] / 2, b[i] - b[i + 2] / 2)
        for i in (0, 1)
    ]
    common = 0 if min(sides) < 0 else sides[0] * sides[1]
    return common / (a[2] * a[3] + b[2] * b[3] - common)


def steps(version, blobs, lowest, most):
    """The fork's blob for a batch of one, candidate by candidate."""
    found = []
    for place, x in enumerate(blob[0].astype(float) for blob in blobs):
        _, height, width = x.shape
        for row, column, box in np.ndindex(height, width, 2):
            t = x[box * (5 + CLASSES) :, row, column]
            if version == 3:
                side = BIASES[MASK[2 * place + box]]
                whole = width * SCALES[place], height * SCALES[place]
                shares = [logistic(v) for v in t[5 : 5 + CLASSES]]
            else:
                side, whole = [(1.5, 2), (3, 1)][box], (width, height)
                shares = np.exp(t[5 : 5 + CLASSES])
                shares = shares / shares.sum()
            of_box = [
                (column + logistic(t[0])) / width,
                (row + logistic(t[1])) / height,
                math.exp(t[2]) * side[0] / whole[0],
                math.exp(t[3]) * side[1] / whole[1],
            ]
            scores = [share * logistic(t[4]) for share in shares]
            if version == 3:
                # Each class is a box of its own.
                pairs = [(s, k) for k, s in enumerate(scores) if s > lowest]
            else:
                best = int(np.argmax(scores))
                pairs = [(scores[best], best)] * int(scores[best] >= lowest)
            found += [(score, label, of_box) for score, label in pairs]
    found.sort(key=lambda one: -one[0])
    dropped = set()
    for i, one in enumerate(found):
        if i not in dropped:
            dropped |= {
                j
                for j in range(i + 1, len(found))
                if overlap(one[2], found[j][2]) >= most
            }
    rows = [
        [0, label + 1, score, x - w / 2, y - h / 2, x + w / 2, y + h / 2]
        for i, (score, label, (x, y, w, h)) in enumerate(found)
        if i not in dropped
    ]
    return np.array(rows or [[0, *[-1] * 6]])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    "limits",
    [
        pytest.param((0.01, 0.45), marks=pytest.mark.slow),
        (0.4, 0.2),
        pytest.param((0.2, 0), marks=pytest.mark.slow),
        pytest.param((2, 0), marks=pytest.mark.slow),
    ],
)
def test_as_the_fork(referenced, version, limits, tmp_path, net):
    lowest, most = limits
    feed = maps(sizes=((4, 4), (8, 8)) if version == 2 else ((4, 5), (8, 10)))
    settings = (V3 if version == 3 else V2) + (
        f"confidence_threshold: {lowest} nms_threshold: {most}"
    )
    made = referenced(layer(version, settings), **feed)["found"]
    rows = 2 * sum(x[0, 0].size for x in feed.values())
    assert made.shape == (2, 1, rows, 7)
    for image in range(2):
        alone = [x[image : image + 1] for x in feed.values()]
        expected = steps(version, alone, lowest, most)
        found = found_rows(made[image : image + 1].transpose(0, 2, 3, 1))[0, 0]
        assert found.shape == expected.shape
        assert (found[:, 0] == image).all()
        np.testing.assert_allclose(
            found[:, 1:], expected[:, 1:], rtol=1e-5, atol=1e-6
        )
    net.model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    again = loaded([x.transpose(0, 2, 3, 1) for x in feed.values()])
    again = keras.ops.convert_to_numpy(again)
    np.testing.assert_array_equal(again.transpose(0, 3, 1, 2), made)


def test_one_map_and_boxes_across_its_edge(referenced):
    x = np.zeros((1, 16, 2, 2), "f4")
    x[0, :8, 0, 0] = -3, -3, 1, 1, 9, 5, 0, 0
    settings = V2 + "confidence_threshold: 0.6"
    made = referenced(layer(2, settings, bottoms=1), a=x)["found"]
    found = found_rows(made.transpose(0, 2, 3, 1))
    assert found.shape == (1, 1, 1, 7)
    assert found[0, 0, 0, 1] == 1 and (found[0, 0, 0, 3:5] < 0).all()


def test_gradients_are_zero(net):
    """The fork passes nothing back; training that comes by must not fail."""
    import tensorflow as tf

    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow's tape")
    feed = maps(images=1)
    net(layer(3, V3), **feed)
    inputs = [tf.constant(x.transpose(0, 2, 3, 1)) for x in feed.values()]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(net.model(inputs))
    for gradient in tape.gradient(total, inputs):
        assert gradient is None or not np.any(gradient)


def test_refusals(net):
    feed = maps()
    for version, settings, error, words in (
        (3, V3 + "gaussian_box: true", UnsupportedLayerError, "gaussian"),
        (3, V3 + "mask_group_num: 3", CaffeFormatError, "mask_group_num"),
        (3, V3 + "nms_threshold: 1", UnsupportedLayerError, "nms_threshold"),
        (3, V3.replace("mask: 0 mask: 1", ""), CaffeFormatError, "too few"),
        (3, V3.replace("num_box: 2", ""), CaffeFormatError, "takes 24 chan"),
        (2, V2.replace("num_classes: 3", ""), CaffeFormatError, "num_classes"),
        (2, V2.replace("biases: 3", ""), CaffeFormatError, "too few"),
    ):
        with pytest.raises(error, match=words):
            net(layer(version, settings), **feed)
    with pytest.raises(UnsupportedLayerError, match="square"):
        net(layer(2, V2), **maps(sizes=((4, 4), (8, 9))))
    with pytest.raises(UnsupportedLayerError, match="3 bottoms"):
        net(layer(2, V2, bottoms=3), c=feed["a"], **feed)
