"""Layers that read nothing and that we do not know."""

import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    name_map,
    to_keras,
)

# The settings of SSD's training file.
ANNOTATED = """
layer { name: "data" type: "AnnotatedData" top: "data" top: "label"
  include { phase: TRAIN }
  transform_param {
    mirror: true mean_value: 104 mean_value: 117 mean_value: 123
    resize_param { prob: 1 resize_mode: WARP height: 30 width: 30
      interp_mode: LINEAR interp_mode: AREA interp_mode: LANCZOS4 }
    emit_constraint { emit_type: CENTER }
    distort_param { brightness_prob: 0.5 brightness_delta: 32 }
    expand_param { prob: 0.5 max_expand_ratio: 4 }
  }
  data_param { source: "lmdb" batch_size: 8 backend: LMDB }
  annotated_data_param {
    batch_sampler { max_sample: 1 max_trials: 1 }
    batch_sampler {
      sampler { min_scale: 0.3 max_scale: 1 min_aspect_ratio: 0.5 }
      sample_constraint { min_jaccard_overlap: 0.1 }
    }
    label_map_file: "labelmap.prototxt"
  }
}
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "mbox_loss" type: "MultiBoxLoss" bottom: "conv" bottom: "label"
  top: "mbox_loss" loss_param { normalization: VALID }
  multibox_loss_param { loc_loss_type: SMOOTH_L1 conf_loss_type: SOFTMAX
    num_classes: 21 match_type: PER_PREDICTION neg_pos_ratio: 3 neg_overlap: 0.5
    code_type: CENTER_SIZE mining_type: MAX_NEGATIVE } }
"""
# Of Faster R-CNN: the second top is read by a loss, the third by nobody.
PYTHON = """
layer { name: "input-data" type: "Python" top: "data" top: "wanted" top: "boxes"
  python_param { module: "roi_data_layer.layer" layer: "RoIDataLayer" } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "l" type: "SmoothL1Loss" bottom: "ip" bottom: "wanted" top: "l"
  smooth_l1_loss_param { sigma: 3 } }
"""


def test_ssd_for_training(write):
    path = write(ANNOTATED)
    model = to_keras(path, outputs=["conv"], phase="TRAIN")
    assert model.input_shape == (None, 30, 30, 3)
    steps = name_map(model)["preprocessing"]["data"]
    assert steps["mean_value"] == [104, 117, 123] and steps["mirror"]
    # Whose loss is not ours.
    shapes = {"label": (5, 8, 1)}
    with pytest.raises(UnsupportedLayerError, match="'MultiBoxLoss'"):
        to_keras(path, phase="TRAIN", input_shapes=shapes)


def test_python_for_training_and_use(write):
    path = write(PYTHON)
    shapes = {"data": (9,), "wanted": (4,)}
    model = to_keras(path, phase="TRAIN", input_shapes=shapes)
    assert {x.name for x in model.inputs} == {"data", "wanted"}
    assert model.get_layer("l").sigma == 3
    model = to_keras(path, input_shapes=shapes)
    assert [x.name for x in model.inputs] == ["data"]
    assert model.output_names == ["ip"]
    # At inference the loss goes, and what only it reads.
    assert to_keras(path, input_shapes={"data": (9,)}).input_shape == (None, 9)
    with pytest.raises(CaffeFormatError, match=r"'wanted' has.*input_shapes="):
        to_keras(path, input_shapes={"data": (9,)}, phase="TRAIN")
