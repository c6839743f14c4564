"""`input_shapes` makes an input of any blob."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    CaffeNetwork,
    UnsupportedLayerError,
    to_keras,
    verify,
)

DATA = 'input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }\n'
CONV = (
    'layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" '
    "convolution_param { num_output: 4 kernel_size: 1 "
    'weight_filler { type: "xavier" } } }\n'
)
RELU = 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }\n'
PROPOSAL = (
    'layer { name: "prop" type: "Python" bottom: "conv" top: "rois" '
    'top: "scores" }\n'
)
FC = (
    'layer { name: "fc" type: "InnerProduct" bottom: "rois" top: "fc" '
    "inner_product_param { num_output: 2 weight_filler { value: 0.5 } } }"
)
POOL = (
    'layer { name: "pool" type: "ROIPooling" bottom: "conv" bottom: "rois" '
    'top: "pool" roi_pooling_param { pooled_h: 2 pooled_w: 2 } }\n'
)


def layers(network):
    return [layer.name for layer in network.layers]


def cut(path, **shapes):
    return CaffeNetwork.read(path, input_shapes=shapes)


def test_what_only_it_needs_goes(write):
    path = write(DATA + CONV + RELU + PROPOSAL + FC)
    network = cut(path, rois=(5,))
    assert layers(network) == ["rois", "fc"]
    model = network.to_keras()
    assert model.input_shape == (None, 5)
    assert [tensor.name for tensor in model.inputs] == ["rois"]
    assert network.verify(model).passed
    # The record says what was cut.
    assert verify(model, path).passed


def test_what_others_need_stays(write):
    network = cut(write(DATA + CONV + RELU + PROPOSAL + POOL), rois=(5,))
    assert layers(network) == ["rois", "input", "conv", "relu", "pool"]
    model = network.to_keras()
    boxes = np.array([[0, 0, 0, 3, 3], [0, 2, 2, 7, 7]], "f4")
    image = np.ones((1, 8, 8, 3), "f4")
    assert model({"rois": boxes, "data": image}).shape == (2, 2, 2, 4)


def test_proposals_of_a_pyramid_are_boxes_and_scores(write):
    """One option cuts behind all of them: shapes are told by the layer."""
    text, rois, scores = DATA + CONV, "", ""
    for level in "23":
        text += (
            f'layer {{ name: "prop{level}" type: "Python" bottom: "conv" '
            f'top: "rois{level}" top: "scores{level}" python_param {{ '
            'module: "rpn.proposal_layer" layer: "ProposalLayer" } }'
        )
        rois += f'bottom: "rois{level}" '
        scores += f'bottom: "scores{level}" '
    for name, bottoms in (("rois", rois), ("scores", scores)):
        text += (
            f'layer {{ name: "{name}" type: "Concat" {bottoms} top: "{name}" '
            "concat_param { axis: 0 } }"
        )
    path = write(text + POOL)
    with pytest.raises(UnsupportedLayerError) as caught:
        to_keras(path)
    (cut_off, *_) = caught.value.advice
    shapes = {"rois2": (5,), "scores2": (1,), "rois3": (5,), "scores3": (1,)}
    assert cut_off == " ".join(
        f"--input-shape {name}={size}" for name, (size,) in shapes.items()
    )
    model = to_keras(path, input_shapes=shapes)
    assert model.output_names == ["pool", "scores"]


def test_a_blob_that_is_changed_in_place_means_its_last_value(write):
    tail = 'layer { name: "t" type: "TanH" bottom: "conv" top: "t" }'
    path = write(DATA + CONV + RELU + tail)
    assert layers(cut(path, conv=(8, 8, 4))) == ["conv", "t"]
    x = np.full((1, 4, 8, 8), -1.0)
    made = cut(path, conv=(8, 8, 4)).run(x)["t"]
    np.testing.assert_allclose(made, np.tanh(-1.0))


def test_a_top_that_is_still_read(write):
    reader = 'layer { name: "s" type: "TanH" bottom: "scores" top: "s" }'
    path = write(DATA + CONV + PROPOSAL + FC + reader)
    with pytest.raises(CaffeFormatError, match=r"makes scores too.*--input-sh"):
        to_keras(path, input_shapes={"rois": (5,)})
    model = to_keras(path, input_shapes={"rois": (5,), "scores": (3,)})
    assert model.output_names == ["fc", "s"]


def test_training_files_of_detectors(write):
    """Targets are made by layers that only losses need."""
    targets = (
        'layer { name: "data" type: "Python" top: "data" top: "info" }\n'
        + CONV
        + 'layer { name: "targets" type: "Python" bottom: "conv" '
        'bottom: "info" top: "label" }\n'
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "conv" '
        'bottom: "label" top: "loss" }\n'
        'layer { name: "prop" type: "Python" bottom: "conv" bottom: "info" '
        'top: "rois" }\n' + POOL
    )
    path = write(targets)
    with pytest.raises(UnsupportedLayerError) as caught:
        to_keras(path)
    advice = "--input-shape data=112x96x3 --input-shape rois=5 begins behind"
    assert advice in str(caught.value)
    network = cut(path, data=(112, 96, 3), rois=(5,))
    assert layers(network) == ["rois", "data", "conv", "pool"]


def test_advice_comes_before_the_list_of_types(write):
    path = write(DATA + CONV + PROPOSAL + FC)
    with pytest.raises(UnsupportedLayerError) as caught:
        to_keras(path)
    words = str(caught.value)
    assert "--input-shape rois=HxWxC begins behind it" in words
    assert "--outputs conv ends before it" in words
    assert words.index("--outputs") < words.index("AbsVal")
    assert to_keras(path, outputs=["conv"]).output_shape == (None, 8, 8, 4)


TRAIN_DATA = """
layer { name: "d" type: "Data" top: "data" top: "label"
  include { phase: TRAIN } transform_param { crop_size: 9 force_color: true } }
"""


def test_a_data_layer_of_another_phase(write):
    pool = (
        'layer { name: "p" type: "Pooling" bottom: "conv" top: "p" '
        "pooling_param { pool: AVE global_pooling: true } }\n"
    )
    loss = (
        'layer { name: "l" type: "SoftmaxWithLoss" bottom: "p" '
        'bottom: "label" top: "l" }'
    )
    path = write(TRAIN_DATA + CONV + pool + loss)
    with pytest.raises(CaffeFormatError) as caught:
        to_keras(path)
    assert "--input-shape data=9x9x3 makes it an input" in str(caught.value)
    assert "--phase TRAIN" in str(caught.value)
    assert to_keras(path, phase="TRAIN").count_params() == 16
    # A blob that no layer makes may be given too.
    network = cut(path, data=(9, 9, 3))
    assert layers(network) == ["data", "conv", "p"]


def test_a_data_layer_of_a_stage(write):
    staged = DATA.replace('input: "data"', 'input: "other"') + (
        'layer { name: "s" type: "Power" bottom: "other" top: "data" '
        'include { stage: "deploy" } }\n'
    )
    path = write(staged + CONV)
    with pytest.raises(CaffeFormatError, match="; --stages deploy has layers"):
        to_keras(path)
    assert to_keras(path, stages=["deploy"]).output_names == ["conv"]


def test_what_can_be_had_without_a_bottom(write):
    lost = 'layer { name: "e" type: "TanH" bottom: "gone" top: "e" }'
    path = write(DATA + CONV + lost)
    with pytest.raises(CaffeFormatError, match="; --outputs conv ends before"):
        to_keras(path)
    assert to_keras(path, outputs=["conv"]).output_names == ["conv"]


def test_a_network_whose_end_is_silenced(write):
    path = write(DATA + CONV + 'layer { type: "Silence" bottom: "conv" }')
    with pytest.raises(CaffeFormatError, match=r"no blob.*; --outputs conv"):
        to_keras(path)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((3, 24, 24), 'write input_shapes={"data": (24, 24, 3)}'),
        ((24, 24, 1), "--input-shape data=24x24x3"),
    ],
)
def test_channels_of_the_prototxt(given, words, write):
    with pytest.raises(ValueError, match="channels") as caught:
        to_keras(write(DATA + CONV), input_shapes={"data": given})
    assert words in str(caught.value)


def test_channels_that_only_weights_tell(write, tmp_path):
    data = 'layer { name: "d" type: "Data" top: "data" }\n'
    scale = 'layer { name: "p" type: "Power" bottom: "data" top: "data" }\n'
    blobs = "blobs { shape { dim: 4 dim: 3 dim: 1 dim: 1 } data: 0 }"
    path = write(data + scale + CONV)
    model = tmp_path / "m.caffemodel"
    text = 'layer { name: "conv" ' + blobs + " }"
    model.write_text(text.replace("data: 0", "data: 0 " * 12))
    with pytest.raises(ValueError, match=r"--input-shape data=24x20x3"):
        to_keras(path, model, input_shapes={"data": (3, 24, 20)})


def test_rules_of_both_kinds(write):
    both = CONV.replace(
        "bottom", "include { phase: TEST } exclude {} bottom", 1
    )
    with pytest.raises(CaffeFormatError, match="`include` and `exclude`"):
        to_keras(write(DATA + both))


def test_an_unknown_loss_is_left_out(write):
    loss = 'layer { name: "l" type: "OddLoss" bottom: "conv" top: "l" }\n'
    path = write(DATA + CONV + loss)
    with pytest.warns(UserWarning, match="'l' .OddLoss. is of a type that"):
        assert to_keras(path).output_names == ["conv"]
    reader = 'layer { name: "r" type: "TanH" bottom: "l" top: "r" }\n'
    with pytest.raises(UnsupportedLayerError, match="'OddLoss' is not"):
        to_keras(write(DATA + CONV + loss + reader))
    with pytest.raises(UnsupportedLayerError, match="'OddLoss' is not"):
        to_keras(path, phase="TRAIN")


def test_a_silence_reads_nothing(write):
    """Of what goes: R-FCN's training files silence what they cut off."""
    quiet = (
        'layer { name: "q" type: "Silence" bottom: "scores" bottom: "conv" '
        'bottom: "l" }'
    )
    loss = 'layer { name: "l" type: "XLoss" bottom: "scores" top: "l" }'
    text = DATA + CONV + RELU + PROPOSAL + POOL + loss + quiet
    with pytest.raises(UnsupportedLayerError) as caught:
        to_keras(write(text))
    assert caught.value.advice == (
        "--input-shape rois=5",
        "--outputs conv",
    )
    network = cut(write(text), rois=(5,))
    assert "q" not in layers(network) or network.graph.outputs
    assert network.to_keras().output_names == ["pool"]
