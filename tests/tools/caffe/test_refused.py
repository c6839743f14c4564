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
    "unknown_field_text": ("the field `nosuch`, which nobody knows", "c"),
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


NET = 'input: "x" input_shape {{ {} }}\nlayer {{ {} bottom: "x" top: "y" }}'
DENSE = 'name: "n" type: "InnerProduct" inner_product_param { num_output: 2 }'
BY_HAND = {
    "Too many params": (
        "dim: 1 dim: 3",
        DENSE + "param { } " * 3,
        "3 `param` and 2 learned blobs",
    ),
    "a param of nothing": (
        "dim: 1 dim: 3",
        'name: "n" type: "ReLU" param { lr_mult: 0 }',
        "1 `param` and 0 learned blobs",
    ),
    "kMaxBlobAxes": ("dim: 1 " * 33, 'name: "n" type: "ReLU"', "33 axes"),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_what_caffe_checks(case, write):
    shape, layer, words = BY_HAND[case]
    with pytest.raises(CaffeFormatError, match=words):
        to_keras(write(NET.format(shape, layer)))


def test_what_caffe_does_not_mind(write):
    dense = DENSE + "param { } " * 2
    assert to_keras(write(NET.format("dim: 1 dim: 3", dense)))
    deep = NET.format("dim: 1 " * 32, 'name: "n" type: "ReLU"')
    assert len(to_keras(write(deep)).output_shape) == 32


@pytest.mark.parametrize(
    "wrong",
    [
        {"stages": 3},
        {"stages": None},
        {"stages": [1]},
        {"outputs": 3},
        {"outputs": [3]},
        {"outputs": [["y"]]},
        {"input_shapes": [3]},
        {"input_shapes": {"x": 3}},
    ],
)
def test_wrong_arguments(wrong, write):
    (name,) = wrong
    path = write(NET.format("dim: 1 dim: 3", DENSE))
    with pytest.raises(ValueError, match=f"^`{name}` must .*Received: "):
        to_keras(path, **wrong)


def test_layers_of_another_name_are_ignored_with_a_warning(refused):
    folder = refused("deploy_missing_params_ok_but_other_name_model")
    with pytest.warns(UserWarning, match="holds no blobs for .*fillers"):
        to_keras(*files(folder))
