"""Detectors, segmenters and ShuffleNet, narrow, with random weights.

As in `test_classic_networks.py`: every blob, against OpenCV 4 where it can,
else against the float64 reference.
"""

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_layers.detection_output import found_rows
from keras_hypersphere.tools.caffe import to_keras, verify
from tests.tools.caffe.network_writer import NetworkWriter

CLASSES = 4


def ssd(size=48):
    """Boxes and scores of three maps, joined in the order of the priors."""
    net = NetworkWriter(3, size, size)
    x = net.relu("relu1_1", net.conv("conv1_1", "data", 6, 3, 1))
    x = net.pool("pool1", x, 2, 2)
    x = net.relu("relu4_3", net.conv("conv4_3", x, 8, 3, 1, stride=2))
    net.blobs["conv4_3_norm"] = [np.full(8, 20, np.float32)]
    normed = net.layer(
        "Normalize",
        "conv4_3_norm",
        x,
        "norm_param { across_spatial: false channel_shared: false "
        'scale_filler { type: "constant" value: 20 } }',
    )
    x = net.relu("relu6", net.conv("fc6", net.pool("pool4", x, 2, 2), 8, 3, 1))
    last = net.relu("relu8_2", net.conv("conv8_2", x, 8, 3, 1, stride=2))
    tops = {"loc": [], "conf": [], "priorbox": []}
    for index, source in enumerate((normed, x, last)):
        least, most = size * (0.2 + 0.2 * index), size * (0.4 + 0.2 * index)
        least, most = int(least), int(most)
        ratios = "aspect_ratio: 2" + " aspect_ratio: 3" * (index == 1)
        boxes = 6 if index == 1 else 4
        for kind, numbers in (("loc", 4), ("conf", CLASSES)):
            name = f"{source}_mbox_{kind}"
            blob = net.conv(name, source, boxes * numbers, 3, 1)
            # Scores of exactly 1 would have no order.
            net.blobs[name][0] *= np.float32(0.05)
            channels, height, width = net.shapes[blob]
            blob = net.layer(
                "Permute",
                f"{name}_perm",
                blob,
                "permute_param { order: 0 order: 2 order: 3 order: 1 }",
                (height, width, channels),
            )
            tops[kind].append(
                net.layer(
                    "Flatten",
                    f"{name}_flat",
                    blob,
                    "flatten_param { axis: 1 }",
                    (channels * height * width,),
                )
            )
        tops["priorbox"].append(
            net.layer(
                "PriorBox",
                f"{source}_mbox_priorbox",
                [source, "data"],
                f"prior_box_param {{ min_size: {least} max_size: {most} "
                f"{ratios} flip: true clip: false variance: 0.1 variance: 0.1 "
                "variance: 0.2 variance: 0.2 offset: 0.5 }",
            )
        )
    for kind, axis in (("loc", 1), ("conf", 1), ("priorbox", 2)):
        net.layer(
            "Concat",
            f"mbox_{kind}",
            tops[kind],
            f"concat_param {{ axis: {axis} }}",
        )
    net.layer(
        "Reshape",
        "mbox_conf_reshape",
        "mbox_conf",
        f"reshape_param {{ shape {{ dim: 0 dim: -1 dim: {CLASSES} }} }}",
    )
    net.layer(
        "Softmax",
        "mbox_conf_softmax",
        "mbox_conf_reshape",
        "softmax_param { axis: 2 }",
    )
    net.layer(
        "Flatten",
        "mbox_conf_flatten",
        "mbox_conf_softmax",
        "flatten_param { axis: 1 }",
    )
    net.layer(
        "DetectionOutput",
        "detection_out",
        ["mbox_loc", "mbox_conf_flatten", "mbox_priorbox"],
        f"detection_output_param {{ num_classes: {CLASSES} "
        "share_location: true background_label_id: 0 "
        "nms_param { nms_threshold: 0.45 top_k: 25 } "
        "code_type: CENTER_SIZE keep_top_k: 20 confidence_threshold: 0.3 }",
    )
    return net


def shufflenet():
    """Two units: channels of groups are mixed before the next groups."""
    net = NetworkWriter(3, 32, 32)
    x = net.pool("pool1", net.conv("conv1", "data", 6, 3, 1, 2), 3, 2)
    for number, stride in ((1, 2), (2, 1)):
        name = f"resx{number}"
        channels = net.shapes[x][0]
        wide = net.conv(f"{name}_conv1", x, 12, 1, group=3)
        wide = net.batch_norm(f"{name}_bn1", f"{name}_scale1", wide)
        wide = net.layer(
            "ShuffleChannel",
            f"shuffle{number}",
            net.relu(f"{name}_relu1", wide),
            "shuffle_channel_param { group: 3 }",
        )
        wide = net.conv(f"{name}_conv2", wide, 12, 3, 1, stride, 12)
        wide = net.batch_norm(f"{name}_bn2", f"{name}_scale2", wide)
        wide = net.conv(f"{name}_conv3", wide, channels, 1, group=3)
        if stride == 2:
            short = net.pool(f"{name}_match_conv", x, 3, 2, kind="AVE")
            x = net.concat(f"{name}_concat", [short, wide])
        else:
            x = net.layer("Eltwise", f"{name}_elewise", [x, wide])
        x = net.relu(f"{name}_relu", x)
    net.layer("Softmax", "prob", net.dense("fc", net.global_pool("p", x), 5))
    return net


def pspnet():
    """Means of whole regions, brought back to the size of the map."""
    net = NetworkWriter(3, 33, 33)
    x = net.relu("relu1", net.conv("conv1", "data", 8, 3, 1, 2))
    x = net.pool("pool1", x, 3, 2, 1)
    _, *sizes = net.shapes[x]
    parts = [x]
    for kernel in (9, 3):
        pooled = net.pool(f"pool_{kernel}", x, kernel, kernel, kind="AVE")
        pooled = net.conv(f"conv_{kernel}", pooled, 4, 1)
        parts.append(
            net.layer(
                "Interp",
                f"interp_{kernel}",
                pooled,
                f"interp_param {{ height: {sizes[0]} width: {sizes[1]} }}",
                (4, *sizes),
            )
        )
    score = net.conv("score", net.concat("concat", parts), 5, 1)
    net.layer("Interp", "big", score, "interp_param { zoom_factor: 4 }")
    net.layer("ArgMax", "labels", "big", "argmax_param { axis: 1 }")
    return net


def segnet():
    """Maxima go back to where they came from."""
    net = NetworkWriter(3, 20, 24)
    net.relu("relu1", net.conv("conv1", "data", 6, 3, 1))
    net.text += """
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
        top: "pool1_mask" pooling_param { kernel_size: 2 stride: 2 } }
"""
    net.shapes["pool1"] = net.shapes["pool1_mask"] = (6, 10, 12)
    x = net.relu("relu2", net.conv("conv2", "pool1", 6, 3, 1))
    x = net.layer(
        "Upsample",
        "upsample1",
        [x, "pool1_mask"],
        "upsample_param { scale: 2 }",
        (6, 20, 24),
    )
    net.conv("score", x, 4, 3, 1)
    return net


NETWORKS = {
    "ssd": ssd,
    "shufflenet": shufflenet,
    "pspnet": pspnet,
    "segnet": segnet,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_blob(name, tmp_path):
    prototxt, caffemodel = NETWORKS[name]().write(tmp_path)
    model = to_keras(prototxt, caffemodel)
    report = verify(model, prototxt, caffemodel)
    assert report.passed, str(report)
    assert max(row.relative for row in report.rows) < 1e-5, report
    model.save(tmp_path / "m.keras")
    assert verify(tmp_path / "m.keras", prototxt, caffemodel).passed
    ours = [
        type(operation).__name__
        for operation in model.operations
        if not type(operation).__module__.startswith("keras.")
    ]
    assert ours == (["DetectionOutput"] if name == "ssd" else [])


def test_the_detections_of_each_image(tmp_path):
    """A batch finds what its images find, one by one, as OpenCV does."""
    prototxt, caffemodel = ssd().write(tmp_path)
    model = to_keras(prototxt, caffemodel)
    images = np.random.default_rng(1).standard_normal((3, 48, 48, 3))

    def run(images):
        return keras.ops.convert_to_numpy(model(images, training=False))

    rows = run(images)
    assert rows.shape == (3, 20, 7, 1)
    found = found_rows(rows)[0, 0]
    assert len(found) > 10
    for index in range(3):
        one = found_rows(run(images[index : index + 1]))
        mine = found[found[:, 0] == index]
        np.testing.assert_allclose(mine[:, 1:], one[0, 0, :, 1:], atol=1e-5)


def test_regions_of_fast_rcnn(tmp_path):
    """Regions have a number of their own, besides that of the images."""
    net = NetworkWriter(3, 48, 64)
    x = net.relu("relu1", net.conv("conv1", "data", 6, 3, 1, 2))
    x = net.pool("pool1", x, 2, 2)
    net.text += 'input: "rois" input_shape { dim: 5 dim: 5 }\n'
    x = net.layer(
        "ROIPooling",
        "pool5",
        [x, "rois"],
        "roi_pooling_param { pooled_w: 3 pooled_h: 2 spatial_scale: 0.25 }",
        (6, 2, 3),
    )
    x = net.relu("relu6", net.dense("fc6", x, 12))
    net.layer("Softmax", "cls_prob", net.dense("cls_score", x, 4))
    net.dense("bbox_pred", x, 16)
    prototxt, caffemodel = net.write(tmp_path)
    model = to_keras(prototxt, caffemodel)
    regions = np.array(
        [[0, 0, 0, 63, 47], [0, 10, 5, 40, 30], [0, 3, 3, 3, 3]], np.float32
    )
    image = np.random.default_rng(0).standard_normal((1, 48, 64, 3))
    feed = {"data": image.astype("f4"), "rois": regions}
    report = verify(model, prototxt, caffemodel, feed)
    assert report.passed, str(report)
    boxes, scores = model([feed["data"], regions])
    assert boxes.shape == (3, 16) and scores.shape == (3, 4)
