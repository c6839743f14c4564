"""Files that real Caffe refuses."""

import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    to_keras,
)

# What is said, and of which layer.
BROKEN = {
    "absval_inplace": ("in place", "a"),
    "concat_shapes": ("differ in more than the axis", "e"),
    "conv_group_not_divisor": ("must divide", "c"),
    "conv_kernel_size_and_kernel_h": ("give one of them", "c"),
    "eltwise_shapes": ("different shapes", "e"),
    "inplace_after_reader": ("in place, which another layer", "r"),
    "lrn_even_size": ("must be odd", "l"),
    "mixed_layer_and_layers": ("both `layer` and `layers`", None),
    "model_transposed_fc": (r"shape \(144, 3\)", "ip"),
    "model_weight_shape": (r"shape \(4, 4, 5, 5\)", "c"),
    "pool_pad_ge_kernel": ("must be smaller than the kernel", "p"),
    "pool_without_kernel": ("has no `kernel_size`", "p"),
    "reshape_bad_count": ("makes 5 numbers of the 144", "r"),
    "slice_not_divisible": ("do not divide", "s"),
    "softmaxwithloss_two_tops": ("2 tops; it makes at most 1", "l"),
    "top_twice": ("another layer makes too", "c2"),
    "unknown_bottom": ("'nothere'", "x"),
    "unknown_field_text": ('no field named "nosuch"', None),
}
UNSUPPORTED = ("unknown_layer_type",)


def files(folder):
    model = folder / "model.caffemodel"
    return folder / "deploy.prototxt", model if model.exists() else None


@pytest.mark.parametrize("name", BROKEN)
def test_broken_networks(name, refused):
    words, layer = BROKEN[name]
    with pytest.raises(CaffeFormatError, match=words) as caught:
        to_keras(*files(refused(name)))
    assert caught.value.layer == layer
    assert str(refused(name)) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported_layers(name, refused):
    with pytest.raises(UnsupportedLayerError) as caught:
        to_keras(*files(refused(name)))
    assert "Convolution" in caught.value.supported
    assert "register_layer" in str(caught.value)


def test_layers_of_another_name_are_ignored_with_a_warning(refused):
    folder = refused("deploy_missing_params_ok_but_other_name_model")
    with pytest.warns(UserWarning, match="holds no blobs for .*fillers"):
        to_keras(*files(folder))
