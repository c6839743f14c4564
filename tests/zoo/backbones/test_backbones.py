"""What is the same for each backbone, and what the papers count."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.zoo.backbones.cost import (
    layer_multiply_adds,
    multiply_adds,
)
from tests.zoo.backbones.every_backbone import (
    NAMES,
    build,
    forgotten,
    weightless,
)

TIMES = "\N{MULTIPLICATION SIGN}"
DOCS = Path(__file__).parents[3] / "docs" / "zoo.md"


@pytest.fixture(scope="module", autouse=True)
def _memory():
    with forgotten():
        yield


def size(model, name):
    return tuple(model.get_layer(name).output.shape[1:])


def convolutions(model):
    return [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]


def test_every_network_of_the_zoo_is_here():
    functions = {n for n in zoo.__all__ if n[0].isupper()}
    kinds = {"Card", "FaceEmbedder", "DlibResNet", "NoFaceError", "Gallery"}
    assert functions - kinds - {"BulkEmbedder"} == set(NAMES)


# Backbone total, convolutions with biases, slopes, number of convolutions.
@pytest.mark.parametrize(
    ("name", "arguments", "total", "filters", "slopes", "count"),
    [
        ("SphereFace4", {}, 12_562_496, 1_550_976, 960, 4),
        ("SphereFace10", {}, 15_219_264, 4_206_464, 2_240, 10),
        ("SphereFace20", {}, 22_670_656, 11_655_424, 4_672, 20),
        ("SphereFace36", {}, 32_778_816, 21_759_872, 8_384, 36),
        ("SphereFace64", {}, 48_200_512, 37_175_296, 14_656, 64),
        (
            "SphereFace64",
            {"variant": "caffe"},
            47_905_088,
            36_880_128,
            14_400,
            62,
        ),
        ("CenterFace", {}, 27_543_072, 22_292_416, 7_264, 27),
        ("LightCNNA", {}, 4_098_048, 1_639_936, 0, 4),
        ("LightCNNB", {}, 5_480_864, 1_286_048, 0, 9),
        ("LightCNN9", {}, 5_480_864, 1_286_048, 0, 9),
    ],
)
def test_parameters(name, arguments, total, filters, slopes, count):
    model = build(name, **arguments)
    assert model.count_params() == total
    assert sum(x.count_params() for x in convolutions(model)) == filters
    assert len(convolutions(model)) == count
    assert slopes == sum(
        x.count_params()
        for x in model.layers
        if isinstance(x, keras.layers.PReLU)
    )


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        (
            "SphereFace20",
            {
                "res1_3": (56, 48, 64),
                "res2_5": (28, 24, 128),
                "res3_9": (14, 12, 256),
                "res4_3": (7, 6, 512),
            },
        ),
        (
            "CenterFace",
            {
                "conv1a": (110, 94, 32),
                "conv1b": (108, 92, 64),
                "res2_2": (54, 46, 64),
                "conv2": (52, 44, 128),
                "res3_4": (26, 22, 128),
                "conv3": (24, 20, 256),
                "res4_10": (12, 10, 256),
                "conv4": (10, 8, 512),
                "res5_6": (5, 4, 512),
            },
        ),
        (
            "LightCNNA",
            {
                "conv1": (120, 120, 96),
                "etlwise1": (60, 60, 48),
                "conv2": (56, 56, 192),
                "etlwise2": (28, 28, 96),
                "conv3": (24, 24, 256),
                "etlwise3": (12, 12, 128),
                "conv4": (9, 9, 384),
                "etlwise4": (5, 5, 192),
                "fc1": (512,),
                "eltwise6": (256,),
            },
        ),
        (
            "LightCNNB",
            {
                "pool1": (64, 64, 48),
                "pool2": (32, 32, 96),
                "pool3": (16, 16, 192),
                "etlwise4": (16, 16, 128),
                "pool4": (8, 8, 128),
                "etlwise_fc1": (256,),
            },
        ),
        (
            "LightCNN29",
            {
                "pool1": (64, 64, 48),
                "pool2": (32, 32, 96),
                "pool3": (16, 16, 192),
                "group3__conv": (16, 16, 128),
                "pool4": (8, 8, 128),
                "fc": (256,),
            },
        ),
        (
            "LeNetPlusPlus",
            {
                "pool1": (14, 14, 32),
                "pool2": (7, 7, 64),
                "pool3": (3, 3, 128),
                "preluip1": (2,),
            },
        ),
        (
            "FaceNetNN1",
            {
                "conv1": (110, 110, 64),
                "rnorm1": (55, 55, 64),
                "conv2": (55, 55, 192),
                "pool2": (28, 28, 192),
                "conv3": (28, 28, 384),
                "pool3": (14, 14, 384),
                "conv6": (14, 14, 256),
                "pool4": (7, 7, 256),
                "fc2": (4096,),
                "L2": (128,),
            },
        ),
        (
            "FaceNetNN2",
            {
                "conv1": (112, 112, 64),
                "norm1": (56, 56, 64),
                "pool2": (28, 28, 192),
                "inception_3a": (28, 28, 256),
                "inception_3b": (28, 28, 320),
                "inception_3c": (14, 14, 640),
                "inception_4a": (14, 14, 640),
                "inception_4d": (14, 14, 640),
                "inception_4e": (7, 7, 1024),
                "inception_5a": (7, 7, 1024),
                "inception_5b": (7, 7, 1024),
            },
        ),
        (
            "InceptionResNetV1",
            {
                "conv2d_4b_3x3": (17, 17, 256),
                "mixed_6a": (8, 8, 896),
                "mixed_7a": (3, 3, 1792),
            },
        ),
        (
            "MobileFaceNet",
            {
                "conv1": (56, 56, 64),
                "bottleneck5_add": (28, 28, 64),
                "bottleneck6_project": (14, 14, 128),
                "bottleneck15_add": (7, 7, 128),
                "conv3": (7, 7, 512),
                "gdconv": (1, 1, 512),
                "conv4": (1, 1, 128),
            },
        ),
    ],
)
def test_sizes_inside(name, sizes):
    model = build(name)
    assert {layer: size(model, layer) for layer in sizes} == sizes


def printed(count, digits):
    """A number as FaceNet's tables print it, with as many digits."""
    unit = 1e3 if digits.endswith("K") else 1e6
    decimals = len(digits[:-1].partition(".")[2])
    return f"{count / unit:.{decimals}f}{digits[-1]}"


@pytest.mark.parametrize(
    ("name", "row", "weights", "products"),
    [
        ("FaceNetNN1", "conv1", "9K", "115M"),
        ("FaceNetNN1", "conv2a", "4K", "13M"),
        ("FaceNetNN1", "conv2", "111K", "335M"),
        ("FaceNetNN1", "conv3a", "37K", "29M"),
        ("FaceNetNN1", "conv3", "664K", "521M"),
        ("FaceNetNN1", "conv4a", "148K", "29M"),
        ("FaceNetNN1", "conv4", "885K", "173M"),
        ("FaceNetNN1", "conv5a", "66K", "13M"),
        ("FaceNetNN1", "conv5", "590K", "116M"),
        ("FaceNetNN1", "conv6a", "66K", "13M"),
        ("FaceNetNN1", "conv6", "590K", "116M"),
        ("FaceNetNN1", "fc1", "103M", "103M"),
        ("FaceNetNN1", "fc2", "34M", "34M"),
        ("FaceNetNN1", "fc7128", "524K", "0.5M"),
        ("FaceNetNN2", "conv1", "9K", "119M"),
        ("FaceNetNN2", "inception_2_", "115K", "360M"),
        ("FaceNetNN2", "inception_3a_", "164K", "128M"),
        ("FaceNetNN2", "inception_3b_", "228K", "179M"),
        ("FaceNetNN2", "inception_3c_", "398K", "108M"),
        # The paper prints 545K.
        ("FaceNetNN2", "inception_4a_", "546K", "107M"),
        ("FaceNetNN2", "inception_4b_", "595K", "117M"),
        ("FaceNetNN2", "inception_4c_", "654K", "128M"),
        ("FaceNetNN2", "inception_4d_", "722K", "142M"),
        ("FaceNetNN2", "inception_4e_", "717K", "56M"),
        ("FaceNetNN2", "inception_5a_", "1.6M", "78M"),
        ("FaceNetNN2", "inception_5b_", "1.6M", "78M"),
        ("FaceNetNN2", "fc", "131K", "0.1M"),
    ],
)
def test_rows_of_facenets_tables(name, row, weights, products):
    """They agree where biases are counted, as weights and as additions."""
    model = build(name, use_bias=True)
    layers = [
        x
        for x in model.layers
        if x.name == row or (row.endswith("_") and x.name.startswith(row))
    ]
    held = sum(x.count_params() for x in layers)
    used = sum(
        layer_multiply_adds(x) + int(np.prod(x.output.shape[1:]))
        for x in layers
        if x.weights
    )
    assert printed(held, weights) == weights
    assert printed(used, products) == products


@pytest.mark.parametrize(
    ("name", "weights", "products"),
    [
        ("FaceNetNN1", 140_006_592, 1_605_944_064),
        ("FaceNetNN2", 7_448_256, 1_596_530_688),
        ("FaceNetNN3", 7_448_256, 814_620_672),
    ],
)
def test_totals_of_facenet(name, weights, products):
    model = build(name)
    assert model.count_params() == weights
    assert multiply_adds(model) == products


@pytest.mark.parametrize(
    ("name", "weights", "products"),
    [
        ("FaceNetNN4", None, 285e6),
        ("FaceNetNNS1", 26e6, 220e6),
        ("FaceNetNNS2", 4.3e6, 20e6),
    ],
)
def test_reconstructions_are_near_what_was_published(name, weights, products):
    model = build(name)
    assert multiply_adds(model) == pytest.approx(products, rel=0.05)
    if weights:
        assert model.count_params() == pytest.approx(weights, rel=0.05)
    names = {x.name for x in model.layers}
    for row in ("4e", "5a", "5b"):
        there = f"inception_{row}_5x5" in names
        assert there == (name == "FaceNetNNS2")


def test_numbers_of_mobilefacenet():
    """221 million and 0.99 million, printed in the paper."""
    model = build("MobileFaceNet")
    assert multiply_adds(model) == 220_965_376
    # At inference, normalization is folded: a bias for each of its channels.
    folded = sum(
        x.count_params() // (4 if "bn" in x.name else 1) for x in model.layers
    )
    assert folded == 993_344
    assert len([x for x in model.layers if "add" in x.name]) == 4 + 6 - 1 + 3


def test_numbers_of_inception_resnet():
    """As other implementations count: 23,482,624 with scales."""
    model = build("InceptionResNetV1")
    norms = [x for x in model.layers if x.name.endswith("_bn")]
    channels = sum(x.count_params() for x in norms) // 3
    trainable = sum(np.prod(v.shape) for v in model.trainable_variables)
    assert trainable + channels == 23_482_624
    assert multiply_adds(model) == 1_417_662_304
    assert not any(x.scale for x in norms)


def test_numbers_of_lightcnn29():
    """12.57 million, and one dense layer of half the width in v2."""
    first, second = build("LightCNN29"), build("LightCNN29V2")
    assert first.count_params() == 12_573_280
    assert len(convolutions(first)) == len(convolutions(second)) == 29
    assert first.count_params() - second.count_params() == 8193 * 256
    assert not build("LightCNN29V2", include_top=True).get_layer("fc2").use_bias
    assert build("LightCNN29", include_top=True).output_shape == (None, 79077)


@pytest.mark.parametrize("name", [*NAMES, "DlibResNet"])
def test_docs_name_its_numbers(name):
    """The table of docs/zoo.md."""
    if name == "DlibResNet":
        with weightless():
            model = zoo.DlibResNet()
    else:
        model = build(name)
    [line] = [
        x for x in DOCS.read_text().splitlines() if x.startswith(f"| `{name}`")
    ]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    sides = tuple(int(n) for n in re.findall(r"\d+", cells[1]))
    assert sides == model.input_shape[1:]
    assert int(cells[2]) == model.output_shape[-1]
    assert int(cells[3].replace(",", "")) == model.count_params()
    million = multiply_adds(model) / 1e6
    assert cells[4] == f"{million:,.0f} M"


@pytest.mark.parametrize("name", ["InceptionResNetV1", "MobileFaceNet"])
def test_the_rows_of_the_docs_sum_up(name):
    """Parameters and multiply-adds of its table of layers."""
    title = {"InceptionResNetV1": "Inception-ResNet-v1"}.get(name, name)
    part = DOCS.read_text().split(f"### {title}\n")[1].split("\n##")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in part.splitlines()
        if line.startswith("| ")
    ]
    head, *rows = rows
    assert head[-2:] == ["parameters", "multiply-adds"] and len(rows) >= 10
    model = build(name)
    held = sum(int(row[-2].replace(",", "") or 0) for row in rows)
    assert held == model.count_params()
    million = sum(float(row[-1].removesuffix(" M") or 0) for row in rows)
    # Each is rounded to a tenth of a million.
    away = abs(million - multiply_adds(model) / 1e6)
    assert away <= 0.05 * len(rows)
    # And the maps are those of the network.
    sizes = {tuple(x.output.shape[1:]) for x in model.layers}
    for row in rows:
        said = next(cell for cell in row[1:] if cell == "512" or TIMES in cell)
        size = tuple(int(n) for n in re.findall(r"\d+", said))
        assert size in sizes, row[0]


def test_biases_of_facenet():
    plain = build("FaceNetNN2")
    biased = build("FaceNetNN2", use_bias=True)
    filters = sum(x.filters for x in convolutions(plain))
    assert biased.count_params() - plain.count_params() == filters + 128
