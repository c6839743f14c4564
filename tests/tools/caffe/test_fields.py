"""No field that changes numbers is read over in silence."""

import re
from pathlib import Path

import pytest

from keras_hypersphere.caffe_format import LayerParameter
from keras_hypersphere.caffe_format.text import parse_text
from keras_hypersphere.tools import caffe
from keras_hypersphere.tools.caffe import UnsupportedLayerError
from keras_hypersphere.tools.caffe.layer_type import (
    LAYER_TYPES,
    REFUSED,
    refuse_unread,
)

FIELDS = LayerParameter.DESCRIPTOR.fields_by_name
FOLDER = Path(caffe.__file__).parent
SOURCE = "".join(
    path.read_text()
    for name in ("layers", "building")
    for path in sorted((FOLDER / name).glob("*.py"))
)
# What changes nothing at inference: how a computer computes, what training
# begins with or does to gradients, what is drawn or saved besides.
HARMLESS = {
    # Forks scale by these where their model has more blobs than Caffe's,
    # which are counted.
    "batch_norm_param.bias_filler",
    "batch_norm_param.bias_term",
    "batch_norm_param.filler",
    "batch_norm_param.scale_filler",
    "batch_norm_param.use_weight_bias",
    "batch_norm_param.engine",
    "batch_norm_param.stats_batch_size",
    "batch_norm_param.update_global_stats",
    "bn_param.engine",
    "recurrent_param.debug_info",
    "bn_param.frozen",
    "bn_param.momentum",
    "bn_param.slope_filler",
    "channel_scale_param.init_global_scale",
    "channel_scale_param.max_global_scale",
    "channel_scale_param.min_global_scale",
    "concat_param.engine",
    "convolution_param.conv_algorithm",
    "convolution_param.conv_algos_override",
    "convolution_param.cudnn_convolution_algo_seeker",
    "convolution_param.engine",
    "convolution_param.force_nd_im2col",
    "detection_output_param.save_file",
    "detection_output_param.save_output_param",
    "detection_output_param.visualize",
    "detection_output_param.visualize_threshold",
    "dropout_param.engine",
    "dropout_param.random_seed",
    "eltwise_param.engine",
    "eltwise_param.stable_prod_grad",
    "inner_product_param.engine",
    "label_specific_add_param.transform_test",
    "lrn_param.engine",
    "pooling_param.blobs_a_min",
    "pooling_param.blobs_lr",
    "pooling_param.engine",
    "relu_param.engine",
    "softmax_param.engine",
    "spp_param.engine",
    # The fork's code takes the side of the map, and four coordinates.
    "yolo_detection_output_param.coords",
    "yolo_detection_output_param.label_map_file",
    "yolo_detection_output_param.side",
}
# Read by names that are put together: f"{name}_h".
PUT_TOGETHER = {
    f"{message}_param.{name}_{axis}"
    for message in ("convolution", "pooling")
    for name in ("pad", "stride")
    for axis in "hw"
}


def messages():
    """The messages that converters read."""
    names = set(re.findall(r"\b(\w+_param)\b", SOURCE)) & set(FIELDS)
    return sorted(name for name in names if "data" not in name)


@pytest.mark.parametrize("name", messages())
def test_every_field_is_read_or_refused_or_harmless(name):
    refused = {
        path.partition("=")[0]
        for kind in LAYER_TYPES.values()
        for path in {**REFUSED, **kind.refused}
    }
    for field in FIELDS[name].message_type.fields:
        path = f"{name}.{field.name}"
        listed = [path in refused, path in HARMLESS, path in PUT_TOGETHER]
        read = f".{field.name}" in SOURCE or f'"{field.name}"' in SOURCE
        assert any(listed) or read, path
        assert sum(listed) <= 1, path


@pytest.mark.parametrize(
    "path", [path for kind in LAYER_TYPES.values() for path in kind.refused]
)
def test_what_is_refused_exists(path):
    message = LayerParameter.DESCRIPTOR
    path, _, value = path.partition("=")
    for name in path.split("."):
        field = message.fields_by_name[name]
        message = field.message_type
    assert field.number >= 20000 or value
    assert not value or value in field.enum_type.values_by_name


def layer(text):
    layer = LayerParameter(name="l")
    return parse_text(text.encode(), layer, "net.prototxt")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'type: "Pooling" pooling_param { torch_pooling: true }',
            "`pooling_param { torch_pooling: true }` is of a fork",
        ),
        (
            'type: "Convolution" convolution_param { fusion_type: SUM_FUSION }',
            "fusion_type: SUM_FUSION",
        ),
        ('type: "Pooling" pooling_param { pad_3d: 1 }', r"pad_3d: \[1\]"),
        ('type: "Eltwise" eltwise_param { operation: SORT }', "SORT"),
        ('type: "ELU" elu_param { lambda: 1.5 }', "lambda: 1.5 }` .* multip"),
        ('type: "BatchNorm" batch_norm_param { relu: true }', "relu: true"),
        (
            'type: "HingeLoss" loss_param { normalization: PRE_FIXED }',
            "PRE_FIXED",
        ),
    ],
)
def test_what_changes_numbers_is_refused(text, words):
    with pytest.raises(UnsupportedLayerError, match=words) as caught:
        refuse_unread([layer(text)], "net.prototxt")
    assert (caught.value.file, caught.value.layer) == ("net.prototxt", "l")
    assert "remove" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        'type: "Pooling" pooling_param { torch_pooling: false pool: AVE }',
        'type: "Convolution" convolution_param { fusion_type: NONE_FUSION }',
        'type: "Eltwise" eltwise_param { operation: MAX }',
        'type: "ELU" elu_param { lambda: 1 alpha: 2 }',
        'type: "Convolution" convolution_param { engine: MKLDNN }',
        # Caffe does not look at another type's settings.
        'type: "ReLU" pooling_param { torch_pooling: true }',
    ],
)
def test_the_same_as_none_is_not(text):
    refuse_unread([layer(text)])
