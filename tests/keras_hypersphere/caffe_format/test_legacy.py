import pytest
from google.protobuf import text_format

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    NetParameter,
    read_prototxt,
)
from keras_hypersphere.caffe_format.legacy import upgrade


def test_layers_of_2014():
    net = upgrade(
        text_format.Parse(
            """
            layers { name: "c" type: CONVOLUTION bottom: "x" top: "c"
                     blobs_lr: 1 blobs_lr: 2 weight_decay: 0 param: "w"
                     include { phase: TEST }
                     convolution_param { num_output: 4 kernel_size: 3 } }
            layers { name: "l" type: SOFTMAX_LOSS loss_weight: 0.5 }
            layers { name: "i" type: INNER_PRODUCT
                     blobs { num: 1 channels: 1 height: 1 width: 2
                             data: 1 data: 2 } }
            layers { name: "r" type: RELU }
            layers { name: "e" type: EUCLIDEAN_LOSS }
            """,
            NetParameter(),
        )
    )
    assert not net.layers
    types = [layer.type for layer in net.layer]
    assert types == [
        "Convolution",
        "SoftmaxWithLoss",
        "InnerProduct",
        "ReLU",
        "EuclideanLoss",
    ]
    first = net.layer[0]
    assert first.convolution_param.num_output == 4
    assert [spec.lr_mult for spec in first.param] == [1, 2]
    assert first.param[0].decay_mult == 0 and first.param[0].name == "w"
    assert first.param[1].decay_mult == 1
    assert first.include[0].phase == 1
    assert list(net.layer[1].loss_weight) == [0.5]
    assert list(net.layer[2].blobs[0].data) == [1, 2]


@pytest.mark.parametrize(
    "sizes",
    [
        "input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4 "
        "input_dim: 5 input_dim: 6 input_dim: 7 input_dim: 8",
        "input_shape { dim: 1 dim: 2 dim: 3 dim: 4 } "
        "input_shape { dim: 5 dim: 6 dim: 7 dim: 8 }",
    ],
)
def test_inputs(sizes):
    net = upgrade(
        text_format.Parse(
            f'input: "a" input: "b" {sizes} layer {{ name: "z" }}',
            NetParameter(),
        )
    )
    first = net.layer[0]
    assert (first.type, list(first.top)) == ("Input", ["a", "b"])
    assert [list(shape.dim) for shape in first.input_param.shape] == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
    ]
    assert net.layer[1].name == "z" and not net.input


@pytest.mark.parametrize(
    "text, words",
    [
        (
            'input: "a" input: "b" input_shape { dim: 1 }',
            "2 `input` but 1 shapes",
        ),
        ('input: "a" input_dim: 1 input_dim: 2', "2 `input_dim`"),
        ('input: "a" input_shape { }', "shapes"),
        ('layers { type: RELU } layer { type: "ReLU" }', "both"),
    ],
)
def test_refusals(text, words):
    with pytest.raises(CaffeFormatError, match=words):
        upgrade(text_format.Parse(text, NetParameter()))


def test_data_layers_of_2014_keep_their_transform():
    net = upgrade(
        text_format.Parse(
            """
            layers { type: DATA name: "d" top: "d" data_param {
              batch_size: 8 scale: 0.5 mean_file: "m" crop_size: 7 mirror: 1 } }
            layers { type: IMAGE_DATA image_data_param { crop_size: 3 }
                     transform_param { scale: 2 } }
            layers { type: RELU }
            """,
            NetParameter(),
        )
    )
    first = net.layer[0]
    assert first.data_param.batch_size == 8
    assert not first.data_param.HasField("scale")
    transform = first.transform_param
    assert (transform.scale, transform.crop_size) == (0.5, 7)
    assert (transform.mean_file, transform.mirror) == ("m", True)
    second = net.layer[1].transform_param
    assert (second.scale, second.crop_size) == (2, 3)
    assert not net.layer[2].HasField("transform_param")


def test_data_layers_of_today_ignore_what_moved():
    net = upgrade(
        text_format.Parse(
            'layer { type: "Data" data_param { scale: 0.5 } }', NetParameter()
        )
    )
    assert not net.layer[0].HasField("transform_param")


def test_statistics_are_not_learned():
    net = upgrade(
        text_format.Parse(
            'layer { type: "BatchNorm" param { lr_mult: 1 name: "m" } '
            "param { } param { decay_mult: 2 } } "
            'layer { type: "Scale" param { } param { } param { } }',
            NetParameter(),
        )
    )
    norm, scale = net.layer
    assert [(p.lr_mult, p.decay_mult) for p in norm.param] == [(0, 0)] * 3
    assert norm.param[0].name == "m"
    assert scale.param[0].lr_mult == 1


def test_weights_need_no_input_shapes():
    text = 'input: "a" layers { name: "r" type: RELU }'
    net = upgrade(text_format.Parse(text, NetParameter()), inputs=False)
    assert [layer.name for layer in net.layer] == ["r"] and not net.input


def test_shared_blobs_of_2014():
    net = upgrade(
        text_format.Parse(
            'layers { type: CONVOLUTION param: "w" param: "b" '
            "blob_share_mode: PERMISSIVE }",
            NetParameter(),
        )
    )
    first, second = net.layer[0].param
    assert (first.name, first.share_mode) == ("w", 1)
    assert second.name == "b" and not second.HasField("share_mode")


def test_a_recorded_model(fixtures):
    net = read_prototxt(fixtures / "v2_prototxt_v1_model" / "deploy.prototxt")
    assert net.layer[0].type == "Input"


@pytest.mark.parametrize(
    ("name", "today", "settings"),
    [
        ("CROP", "Crop", "crop_param { axis: 1 }"),
        ("PRELU", "PReLU", "prelu_param { channel_shared: true }"),
        ("BATCH_NORM", "BatchNorm", "batch_norm_param { eps: 1 }"),
        ("RELU6", "ReLU6", "relu6_param { negative_slope: 1 }"),
        ("ROI_POOLING", "ROIPooling", "roi_pooling_param { pooled_h: 2 }"),
        ("BN", "BN", "bn_param { eps: 1 }"),
        ("PRIOR_BOX", "PriorBox", "prior_box_param { min_size: 1 }"),
    ],
)
def test_what_forks_of_2014_had(name, today, settings):
    """With the settings, which V1 of Caffe itself lacks."""
    layers = f"layers {{ name: 'l' type: {name} {settings} }}"
    (layer,) = upgrade(text_format.Parse(layers, NetParameter())).layer
    assert layer.type == today
    assert settings.split()[0] in [
        field.name for field, _ in layer.ListFields()
    ]
