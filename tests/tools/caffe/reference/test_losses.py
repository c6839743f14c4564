"""What only training has: losses by hand, and every converter of one."""

import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import to_keras, verify
from tests.fidelity.recording import load
from tests.tools.caffe.recorded_training import Converted
from tests.tools.caffe.reference.one_layer import check_converter, prototxt

LN2 = np.log(2)
# Losses that no recording has. By hand: the mean over two samples.
BY_HAND = [
    # 0 and 2; 3 and 0.
    ("HingeLoss", "", [[[1, 1], [2, 3]], [0, 1]], 2.5),
    (
        "HingeLoss",
        "hinge_loss_param { norm: L2 }",
        [[[1, 1], [2, 3]], [0, 1]],
        6.5,
    ),
    # Gaps of 1, at the corner, and 3; with sigma 2 the corner is at 1/4.
    ("SmoothL1Loss", "", [[[1], [3]], [[0], [0]]], (0.5 + 2.5) / 2),
    (
        "SmoothL1Loss",
        "smooth_l1_loss_param { sigma: 2 }",
        [[[0.125], [3]], [[0], [0]], [[1], [-1]], [[8], [2]]],
        (8 / 32 + 2 * 2.875) / 2,
    ),
    # An own margin of -1 is missed by 2.
    ("HingeLoss", "", [[[-1, -1], [-2, 1]], [0, 1]], 1),
    (
        "SigmoidCrossEntropyLoss",
        "",
        [[[0, 0], [0, 0]], [[0, 1], [1, 0.3]]],
        2 * LN2,
    ),
    (
        "SigmoidCrossEntropyLoss",
        "loss_param { ignore_label: 1 normalization: VALID }",
        [[[0, 80], [-80, 80]], [[0, 1], [1, 0]]],
        (LN2 + 80) / 2,
    ),
    # 0.3 is cut to 0 before it is compared.
    (
        "SigmoidCrossEntropyLoss",
        "loss_param { ignore_label: 0 normalization: NONE }",
        [[[9, 9], [0, 0]], [[0.3, 0], [1, -1]]],
        2 * LN2,
    ),
    # Distances of 5 and 0.
    ("ContrastiveLoss", "", [[[3, 0], [1, 1]], [[0, 4], [1, 1]], [1, 0]], 6.5),
    (
        "ContrastiveLoss",
        "contrastive_loss_param { margin: 7 }",
        [[[3, 0], [1, 1]], [[0, 4], [1, 1]], [0, 0.9]],
        (4 + 49) / 4,
    ),
    (
        "ContrastiveLoss",
        "contrastive_loss_param { margin: 27 legacy_version: true }",
        [[[3, 0], [1, 1]], [[0, 4], [1, 1]], [0, 0]],
        (2 + 27) / 4,
    ),
]


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: "-".join(case[:2]))
def test_losses(case, compute):
    type, settings, bottoms, expected = case
    made = compute(type, settings, *map(np.array, bottoms), phase="TRAIN")
    assert float(made) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "type",
    ["Accuracy", "GeneralTripletLoss", "HingeLoss", "SoftmaxWithLoss"],
)
def test_a_label_is_a_class(type, compute):
    for label in (-1, 3):
        with pytest.raises(AssertionError, match="none of 3 classes"):
            compute(type, "", np.zeros((2, 3)), [0, label], phase="TRAIN")


PAIR = [(6, 3), (6, 3), (6,)]
ROWS = [(6, 4), (6,)]
WEIGHTED = [(6, 4), (6,), (6,)]
# The same of what only the phase TRAIN has.
LOSSES = [
    ("Accuracy", "accuracy_param { top_k: 2 }", ROWS, [], 1),
    ("Accuracy", "accuracy_param { min_is_better: true }", WEIGHTED, [], 1),
    ("CenterLoss", "center_loss_param { num_output: 4 }", ROWS, [(4, 4)], 1),
    ("ContrastiveLoss", "contrastive_loss_param { margin: 4 }", PAIR, [], 1),
    (
        "ContrastiveLoss",
        "contrastive_loss_param { margin: 9 legacy_version: true }",
        PAIR,
        [],
        1,
    ),
    ("EuclideanLoss", "", [(6, 4), (6, 2, 2)], [], 1),
    (
        "GeneralContrastiveLoss",
        "loss_weight: 1 loss_weight: 0 general_contrastive_loss_param {"
        " max_negative_only: true max_positive_only: true"
        " positive_first: true positive_upper_bound: 0.5 }",
        ROWS,
        [],
        2,
    ),
    (
        "GeneralTripletLoss",
        "loss_weight: 1 loss_weight: 0 general_triplet_loss_param {"
        " hardest_only: true negative_weight: 3 }",
        ROWS,
        [],
        2,
    ),
    ("SmoothL1Loss", "", [(6, 4)] * 3, [], 1),
    ("HingeLoss", "", ROWS, [], 1),
    ("HingeLoss", "hinge_loss_param { norm: L2 }", ROWS, [], 1),
    ("SigmoidCrossEntropyLoss", "", [(6, 4), (6, 4)], [], 1),
    (
        "SigmoidCrossEntropyLoss",
        "loss_param { ignore_label: 0 normalization: VALID }",
        [(6, 4), (6, 4)],
        [],
        1,
    ),
    ("SoftmaxWithLoss", "", WEIGHTED, [], 1),
    (
        "SoftmaxWithLoss",
        "loss_param { ignore_label: 1 normalize: false }",
        [(3, 4, 2, 5), (3, 2, 5)],
        [],
        1,
    ),
]


@pytest.mark.parametrize(
    "case", LOSSES, ids=lambda case: f"{case[0]}-{case[1]}"
)
def test_the_converter_agrees_in_training(case, write):
    check_converter(case, write, "TRAIN")


@pytest.mark.parametrize(
    ("phase", "settings"),
    [
        ("TEST", "use_global_stats: false"),
        ("TEST", "use_global_stats: false disable_mean: true"),
        ("TEST", "use_global_stats: false disable_variance: true"),
        ("TEST", "disable_mean: true"),
        ("TEST", "scale_filler { value: 3 }"),
        ("TRAIN", "use_global_stats: false"),
    ],
)
def test_statistics(phase, settings, write):
    """Told to take them, a model in training takes them only as it trains."""
    settings = f"batch_norm_param {{ {settings} }}"
    path = write(prototxt("BatchNorm", settings))
    net = NetParameter()
    layer = net.layer.add(name="n", type="BatchNorm")
    for values in ([0.5] * 6, [2.0] * 6, [1.0]):
        set_blob(layer.blobs.add(), np.array(values))
    write_caffemodel(net, path + ".caffemodel")
    model = to_keras(path, path + ".caffemodel", phase=phase)
    report = verify(model, path, path + ".caffemodel", phase=phase)
    assert report.passed, report


def test_a_network_that_trains(write):
    """Without `training`, heads give plain logits, and losses are of those."""
    path = write(
        """
        layer { name: "d" type: "Data" top: "data" top: "label"
          data_param { batch_size: 6 } }
        layer { name: "n" type: "InnerProduct" bottom: "data" top: "n"
          inner_product_param { num_output: 5 } }
        layer { name: "m" type: "MarginInnerProduct" bottom: "n"
          bottom: "label" top: "m" top: "lambda"
          margin_inner_product_param { num_output: 4 type: TRIPLE base: 1000
            gamma: 0.12 lambda_min: 5 } }
        layer { name: "l" type: "SoftmaxWithLoss" bottom: "m" bottom: "label"
          top: "l" }
        """
    )
    net = NetParameter()
    random = np.random.default_rng(0)
    for name, shapes in (("n", [(5, 7), (5,)]), ("m", [(4, 5)])):
        layer = net.layer.add(name=name)
        for shape in shapes:
            set_blob(layer.blobs.add(), random.normal(size=shape))
    write_caffemodel(net, path + ".caffemodel")
    options = {"phase": "TRAIN", "input_shapes": {"data": (7,)}}
    model = to_keras(path, path + ".caffemodel", **options)
    report = verify(model, path, path + ".caffemodel", **options)
    assert report.passed, report
    assert [row.blob for row in report.rows] == ["n", "m", "lambda", "l"]


@pytest.mark.parametrize(
    "head",
    [
        "scaled_cosine_softmax",
        "normalized_euclidean_contrastive",
        "normalized_euclidean_triplet",
        "combine_softmax_contrastive",
    ],
)
def test_the_heads_of_normface(head, tmp_path):
    """In training every blob is verified, on labels of all classes."""
    z = load(f"head_{head}_c20d16n12_train_s0")
    model = Converted(z, tmp_path).model
    files = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    report = verify(model, *files, phase="TRAIN")
    assert report.passed, report
    checked = {row.blob for row in report.rows if row.status == "ok"}
    assert checked == {
        top for layer in z.net.layer if not layer.include for top in layer.top
    }
