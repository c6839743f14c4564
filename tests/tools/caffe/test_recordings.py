"""Every network that real Caffe ran: exact, or refused for a known layer."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import read_prototxt, write_prototxt
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    name_map,
    to_keras,
)

SHARED = Path(__file__).parents[3] / ".." / "shared" / "conversion"
# Keras takes a dict for one input, and warns that it had wanted an array.
pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")

# float32 sums in another order differ by some 1e-6.
TOLERANCE = 1e-5

SUPPORTED = [
    "activations_a",
    "batchnorm_batchstats_in_test",
    "batchnorm_scale_sf_a",
    "batchnorm_scale_sf_one",
    "batchnorm_scale_sf_zero",
    "bias_layer_a",
    "centerface_narrow8",
    "concat_axis_a",
    "conv_dilated_a",
    "conv_group_a",
    "conv_rect_a",
    "crop_a",
    "deconv_a",
    "eltwise_a",
    "fullconv_any_size_12",
    "innerproduct_after_conv_a",
    "inplace_chain",
    "input_layer_multi",
    "legacy_v0",
    "legacy_v1_4d_blobs",
    "lightenedcnn_A_narrow8",
    "lightenedcnn_B_narrow8",
    "lrn_across_a",
    "lrn_within_a",
    "mirror_face_narrow8",
    "model_double_data",
    "model_hdf5",
    "model_missing_layers_fillers",
    "model_superset_shuffled",
    "mtcnn_det1",
    "mtcnn_det1_fullconv_53x41",
    "mtcnn_det2",
    "mtcnn_det4",
    "normalize_flip_head_a",
    "normface_lenet_figure2",
    "normface_mnist_lenet",
    "odd_names",
    "phase_rules_test",
    "pool_ave_ceil_a",
    "pool_ave_ceil_pad_a",
    "pool_empty_window",
    "pool_global_a",
    "pool_max_ceil_a",
    "pool_max_ceil_pad_a",
    "power_exp_log_a",
    "reshape_flatten_permute_a",
    "scale_broadcast_a",
    "siamese_shared_params",
    "slice_mfm_a",
    "sphereface10_narrow8",
    "sphereface20_narrow8",
    "sphereface4_narrow8",
    "sphereface64_narrow8",
    "softmax_reduce_misc",
    "textformat_spellings",
    "train_val_prototxt",
    "unknown_fields",
    "v2_prototxt_v1_model",
]


def resized(path, inputs, folder):
    """The prototxt with the input that was recorded, as its user writes it."""
    net = read_prototxt(path)
    for shape, recorded in zip(
        net.layer[0].input_param.shape, inputs.values(), strict=True
    ):
        shape.dim[:] = recorded
    write_prototxt(net, folder / "deploy.prototxt")
    return folder / "deploy.prototxt"


@pytest.mark.parametrize("name", SUPPORTED)
@pytest.mark.filterwarnings("ignore:TensorFlow cannot compile")
def test_matches_caffe_on_every_blob(name, recording, tmp_path):
    case = recording(name)
    prototxt = case.prototxt
    if "fullconv" in name:
        prototxt = resized(prototxt, case.meta["inputs"], tmp_path)
    model = to_keras(prototxt, case.caffemodel, **case.options)
    assert model.output_names == sorted(case.meta["outputs"])
    # The last layer that makes a blob has its recorded value.
    makers = {}
    for layer in name_map(model)["layers"]:
        makers.update(layer["tops"])
    assert set(makers) == case.blobs
    probe = keras.Model(
        model.inputs,
        {blob: model.get_layer(maker).output for blob, maker in makers.items()},
    )
    differences = {
        blob: case.difference(blob, value)
        for blob, value in probe(case.inputs, training=False).items()
    }
    assert max(differences.values()) < TOLERANCE, differences
    outputs = model(case.inputs, training=False)
    if len(model.output_names) == 1:
        outputs = [outputs]
    for blob, value in zip(model.output_names, outputs, strict=True):
        assert case.difference(blob, value) < TOLERANCE


def test_every_recording_is_named_here():
    if not SHARED.is_dir():
        pytest.skip("no ../shared/conversion")
    names = {
        path.parent.name
        for path in SHARED.glob("*/meta.json")
        if not json.loads(path.read_text()).get("not_a_net")
    }
    assert names == set(SUPPORTED)


def test_text_with_unknown_fields_is_refused(recording):
    case = recording("unknown_fields")
    with pytest.raises(
        CaffeFormatError, match=r"line 3, column .*my_fork_param"
    ):
        to_keras(case.folder / "deploy.prototxt", case.caffemodel)


SAVED = ["bias_layer_a", "deconv_a", "inplace_chain", "pool_empty_window"]


@pytest.mark.parametrize("name", SAVED)
def test_saved_model_gives_the_same(name, recording, tmp_path):
    case = recording(name)
    model = to_keras(case.prototxt, case.caffemodel)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for before, after in zip(
        model.predict(case.inputs, verbose=0),
        loaded.predict(case.inputs, verbose=0),
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)
