import pytest
from google.protobuf import text_format

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    NetParameter,
    read_caffemodel,
    read_prototxt,
)
from keras_hypersphere.caffe_format.legacy import upgrade


def upgraded(text):
    return upgrade(text_format.Parse(text, NetParameter()))


def test_the_recorded_network(fixtures):
    folder = fixtures / "legacy_v0"
    net = read_prototxt(folder / "deploy.prototxt")
    assert [(layer.name, layer.type) for layer in net.layer] == [
        ("input", "Input"),
        ("conv1", "Convolution"),
        ("relu1", "ReLU"),
        ("pool1", "Pooling"),
        ("norm1", "LRN"),
        ("fc", "InnerProduct"),
        ("drop", "Dropout"),
        ("prob", "Softmax"),
    ]
    conv = net.layer[1]
    assert list(conv.bottom) == ["data"]
    assert list(conv.convolution_param.pad) == [1]
    assert list(conv.convolution_param.kernel_size) == [3]
    assert [spec.lr_mult for spec in conv.param] == [1, 2]
    assert net.layer[3].pooling_param.kernel_size == 3
    model = read_caffemodel(folder / "model.caffemodel")
    assert [layer.name for layer in model.layer if layer.blobs] == [
        "conv1",
        "fc",
    ]


def test_settings_of_data_layers():
    net = upgraded(
        """
        layers { layer { name: "d" type: "images" source: "list" batchsize: 4
                         scale: 0.5 meanfile: "m" cropsize: 8 mirror: true
                         new_height: 9 new_width: 10 shuffle_images: true
                         rand_skip: 2 } top: "x" top: "y" }
        layers { layer { name: "w" type: "window_data" det_fg_threshold: 0.4
                         det_bg_threshold: 0.3 det_fg_fraction: 0.1
                         det_context_pad: 16 det_crop_mode: "square" } }
        layers { layer { name: "o" type: "hdf5_output"
                         hdf5_output_param { file_name: "f" } } }
        layers { layer { name: "c" type: "concat" concat_dim: 0 } }
        layers { layer { name: "p" type: "pool" pool: AVE pad: 1 stride: 2 } }
        """
    )
    images, window, output, concat, pool = net.layer
    assert images.type == "ImageData"
    data = images.image_data_param
    assert (data.source, data.batch_size, data.rand_skip) == ("list", 4, 2)
    assert (data.new_height, data.new_width, data.shuffle) == (9, 10, True)
    transform = images.transform_param
    assert (transform.scale, transform.mean_file) == (0.5, "m")
    assert (transform.crop_size, transform.mirror) == (8, True)
    assert window.window_data_param.crop_mode == "square"
    assert window.window_data_param.context_pad == 16
    assert output.hdf5_output_param.file_name == "f"
    assert concat.concat_param.concat_dim == 0
    assert pool.pooling_param.pool == 1 and pool.pooling_param.stride == 2


def test_a_setting_of_another_type_is_dropped_as_in_caffe():
    net = upgraded('layers { layer { name: "r" type: "relu" num_output: 3 } }')
    assert str(net.layer[0]) == 'name: "r"\ntype: "ReLU"\n'


PAD = (
    'layers { layer { name: "p" type: "padding" pad: 2 } bottom: "x" top: "p" }'
)


def test_padding_before_a_pool():
    net = upgraded(
        f'input: "x" input_dim: [1, 1, 8, 8] {PAD} layers {{ bottom: "p" '
        'layer { name: "q" type: "pool" kernelsize: 3 } top: "q" }'
    )
    assert len(net.layer) == 2
    assert net.layer[1].pooling_param.pad == 2
    assert list(net.layer[1].bottom) == ["x"]


@pytest.mark.parametrize(
    "text, words, layer",
    [
        (
            PAD + 'layers { bottom: "p" layer { name: "r" type: "relu" } }',
            "padding layer 'p'",
            "r",
        ),
        (
            PAD + 'layers { bottom: "p" bottom: "x" '
            'layer { name: "c" type: "conv" } }',
            "padding layer 'p'",
            "c",
        ),
        (
            'layers { bottom: "z" layer { name: "c" type: "conv" } }',
            "'z', which no layer",
            "c",
        ),
        ('layers { layer { name: "c" type: "nosuch" } }', "no type", "c"),
        (
            'layers { layer { name: "c" type: "images" new_height: -1 } }',
            "cannot be -1",
            "c",
        ),
        (
            'layers { layer { name: "c" type: "relu" } } layers { type: RELU }',
            "2013",
            None,
        ),
    ],
)
def test_refusals(text, words, layer):
    head = 'input: "x" input_dim: [1, 1, 8, 8] '
    with pytest.raises(CaffeFormatError, match=words) as caught:
        upgraded(head + text)
    assert caught.value.layer == layer
