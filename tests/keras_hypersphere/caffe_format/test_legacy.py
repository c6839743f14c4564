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
        ('input: "a"', "1 `input` but 0 shapes"),
        ('input: "a" input_dim: 1 input_dim: 2', "2 `input_dim`"),
        ('input: "a" input_shape { }', "shapes"),
        ('layers { type: RELU } layer { type: "ReLU" }', "both"),
        ('layers { layer { type: "relu" } }', "format of 2013"),
    ],
)
def test_refusals(text, words):
    with pytest.raises(CaffeFormatError, match=words):
        upgrade(text_format.Parse(text, NetParameter()))


def test_a_recorded_model(fixtures):
    net = read_prototxt(fixtures / "v2_prototxt_v1_model" / "deploy.prototxt")
    assert net.layer[0].type == "Input"
