import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import (
    CaffeNetwork,
    name_map,
    register_layer,
    register_reference,
    to_keras,
    verify,
)
from keras_hypersphere.tools.caffe import (
    layer_type as registry,
)
from keras_hypersphere.tools.caffe.reference.run import run_reference
from keras_hypersphere.tools.caffe.verification import oracles
from keras_hypersphere.tools.caffe.verification.noise import make_inputs
from keras_hypersphere.tools.caffe.verification.opencv import (
    doubtful,
    run_opencv,
)
from keras_hypersphere.tools.caffe.verification.report import (
    Row,
    Verification,
    compare,
)
from keras_hypersphere.tools.caffe.verification.weight_check import (
    changed_weights,
)

cv2 = pytest.importorskip("cv2")
needs_importer = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromCaffe"),
    reason="this OpenCV has no Caffe importer",
)


@needs_importer
def test_the_sample_agrees_with_opencv(sample):
    report = verify(to_keras(*sample), *sample)
    assert report.passed
    assert len(report.rows) == 20
    assert {row.oracle for row in report.rows} == {f"OpenCV {cv2.__version__}"}
    assert max(row.relative for row in report.rows) < 1e-5
    prob = report.rows[-1]
    assert (prob.blob, prob.shape) == ("prob", (1, 10))
    assert prob.difference < 1e-5
    assert "20 of 20 blobs agree" in report.summary()
    assert "conv1a" in str(report)


@needs_importer
def test_a_changed_weight_shows_at_its_layer(sample, tmp_path):
    model = to_keras(*sample)
    kernel, bias = model.get_layer("conv2a").get_weights()
    kernel[2, 2, 0, 3] += 0.5
    model.get_layer("conv2a").set_weights([kernel, bias])
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    for changed in (model, loaded):
        report = verify(changed, *sample)
        assert not report.passed
        first = next(row for row in report.rows if row.status == "differs")
        assert first.layer == "conv2a"
        assert "first at layer 'conv2a'" in report.summary()


@pytest.mark.parametrize(
    "name",
    [
        "mtcnn_det1",
        "mtcnn_det2",
        pytest.param("mtcnn_det4", marks=pytest.mark.slow),
    ],
)
def test_a_changed_weight_shows_where_noise_hides_it(name, recording):
    """Of each weight the number that moves what the model returns least."""
    case = recording(name)
    model = to_keras(case.prototxt, case.caffemodel)
    owners = {
        holder: layer["name"]
        for layer in name_map(model)["layers"]
        for holder in layer["holders"]
    }
    layers = [layer for layer in model.layers if layer.weights]
    # det4 repeats five branches, and has a layer of each kind in the first.
    for layer in layers if len(layers) < 30 else layers[:9]:
        given = layer.get_weights()
        for index, array in enumerate(given):
            changed = [values.copy() for values in given]
            least = np.abs(array).argmin()
            changed[index].flat[least] += 0.01 * np.ptp(array) + 1e-3
            layer.set_weights(changed)
            faults = changed_weights(
                model, to_keras(case.prototxt, case.caffemodel), name_map(model)
            )
            assert list(faults) == [owners[layer.name]]
        layer.set_weights(given)
    slopes = next(x for x in layers if isinstance(x, keras.layers.PReLU))
    report = verify(model, case.prototxt, case.caffemodel)
    assert report.passed
    values = slopes.get_weights()[0]
    slopes.set_weights([np.where(values == values.max(), 1e6, values)])
    report = verify(model, case.prototxt, case.caffemodel)
    first = next(row for row in report.rows if row.status == "differs")
    assert first.layer == owners[slopes.name]


def test_layers_without_blobs_in_the_file_may_have_any_weights(write):
    prototxt = write(
        'input: "x" input_shape { dim: 2 dim: 4 }\n'
        'layer { name: "n" type: "InnerProduct" bottom: "x" top: "y" '
        'inner_product_param { num_output: 3 weight_filler { type: "xavier" }'
        " } }"
    )
    report = verify(to_keras(prototxt), prototxt)
    assert [row.status for row in report.rows] == ["unchecked"]
    assert not any("not the file's" in row.reason for row in report.rows)


def test_an_output_that_is_not_its_blob_differs(recording):
    case = recording("mtcnn_det1")
    model = to_keras(case.prototxt, case.caffemodel)
    swapped = keras.Model(model.inputs, model.outputs[::-1])
    scaled = keras.Model(
        model.inputs,
        [keras.layers.Rescaling(2.0)(model.outputs[0]), model.outputs[1]],
    )
    for other, blobs in (
        (swapped, ["conv4-2", "prob1"]),
        (scaled, ["conv4-2"]),
    ):
        report = verify(other, case.prototxt, case.caffemodel)
        assert not report.passed
        wrong = [row for row in report.rows if row.status == "differs"]
        assert [row.layer for row in wrong] == ["(output)"] * len(blobs)
        assert [row.blob for row in wrong] == blobs
    one = keras.Model(model.inputs, model.outputs[0])
    with pytest.raises(ValueError, match="with the outputs"):
        verify(one, case.prototxt, case.caffemodel)


@pytest.mark.parametrize(
    "inputs, words",
    [
        (np.full((1, 12, 12, 3), np.nan), "must be finite"),
        (np.zeros((0, 12, 12, 3)), "one sample at least"),
        (np.zeros((1, 12, 12, 3), complex), "real numbers"),
        (np.full((1, 12, 12, 3), "a"), "real numbers"),
        ([np.zeros((1, 12, 12, 3))] * 2, "Received: 2 arrays"),
    ],
)
def test_inputs_that_prove_nothing(inputs, words, recording):
    case = recording("mtcnn_det1")
    model = to_keras(case.prototxt, case.caffemodel)
    with pytest.raises(ValueError, match=words):
        verify(model, case.prototxt, case.caffemodel, inputs)


def test_layers_that_tell_only_a_size_are_no_row(write):
    """The second bottom of a Crop: Keras leaves such layers out."""
    prototxt = write(
        'input: "x" input_shape { dim: 1 dim: 2 dim: 9 dim: 9 }\n'
        'layer { name: "s" type: "Pooling" bottom: "x" top: "s" '
        "pooling_param { kernel_size: 5 } }\n"
        'layer { name: "e" type: "Crop" bottom: "x" bottom: "s" top: "e" '
        "crop_param { axis: 2 offset: 1 } }"
    )
    report = verify(to_keras(prototxt), prototxt)
    assert report.passed
    assert [row.layer for row in report.rows] == ["e"]


@pytest.mark.parametrize("outputs", [None, ["c"]])
def test_a_label_that_the_phase_leaves_out(outputs, write, tmp_path):
    prototxt = write(
        'layer { name: "d" type: "DummyData" top: "x" top: "label" '
        "dummy_data_param { shape { dim: 2 dim: 3 dim: 5 dim: 5 } "
        "shape { dim: 2 } } }\n"
        'layer { name: "c" type: "Pooling" bottom: "x" top: "c" '
        "pooling_param { kernel_size: 5 } }\n"
        'layer { name: "l" type: "SoftmaxWithLoss" bottom: "c" '
        'bottom: "label" top: "l" }'
    )
    model = to_keras(prototxt, outputs=outputs)
    path = tmp_path / "m.keras"
    model.save(path)
    for given in (model, path):
        assert verify(given, prototxt).passed
        assert verify(given, prototxt, outputs=outputs).passed


@pytest.mark.parametrize("model", [None, 3, keras.Sequential()])
def test_not_a_model(model, sample):
    with pytest.raises(TypeError, match="`model` must be a converted model"):
        verify(model, *sample)


def test_no_finite_number_is_not_a_pass(write):
    prototxt = write(
        'input: "x" input_shape { dim: 2 dim: 4 }\n'
        'layer { name: "l" type: "Log" bottom: "x" top: "y" }'
    )
    model = to_keras(prototxt)
    report = verify(model, prototxt, None, -np.ones((2, 4)))
    assert [row.status for row in report.rows] == ["unchecked"]
    assert "has no finite number here" in report.summary()


@needs_importer
def test_own_inputs_and_chosen_outputs(sample):
    model = to_keras(*sample, outputs=["ip1"])
    images = np.zeros((3, 28, 28, 1))
    report = verify(model, *sample, {"data": images}, outputs=["ip1"])
    assert report.passed
    assert report.rows[-1].blob == "ip1"
    assert report.rows[0].shape == (3, 16, 28, 28)
    with pytest.raises(ValueError, match="`inputs` must have the shape"):
        verify(model, *sample, np.zeros((3, 1, 28, 28)))
    with pytest.raises(ValueError, match="`inputs` must have an array"):
        verify(model, *sample, {"image": images})


@needs_importer
@pytest.mark.parametrize("name", ["mtcnn_det1", "mtcnn_det2", "mtcnn_det4"])
def test_real_networks_on_real_inputs(name, recording):
    case = recording(name)
    model = to_keras(case.prototxt, case.caffemodel)
    report = verify(model, case.prototxt, case.caffemodel, case.inputs)
    assert report.passed, report


@needs_importer
def test_known_faults_of_opencv_go_to_the_reference(recording):
    case = recording("innerproduct_after_conv_a")
    model = to_keras(case.prototxt, case.caffemodel)
    report = verify(model, case.prototxt, case.caffemodel)
    assert report.passed
    oracle = {row.layer: row.oracle for row in report.rows}
    assert oracle.pop("fct") == oracle.pop("fc2") == "reference"
    assert set(oracle.values()) == {f"OpenCV {cv2.__version__}"}
    assert report.oracles == {f"OpenCV {cv2.__version__}": 11, "reference": 2}
    assert "2 compared with the reference" in report.summary()
    assert "ignores `transpose` in layer 'fct'" in str(report)


@needs_importer
def test_what_breaks_opencv_is_not_given_to_it(recording):
    case = recording("slice_mfm_a")
    model = to_keras(case.prototxt, case.caffemodel)
    report = verify(model, case.prototxt, case.caffemodel)
    assert report.passed
    assert report.oracles == {"reference": 16}
    assert "is not asked" in str(report) and "layer 'sw'" in str(report)


FAULTS = {
    "InnerProduct": "inner_product_param { num_output: 3 transpose: true }",
    "LRN": "lrn_param { local_size: 3 }",
    "Log": "log_param { base: 2 shift: 40 }",
    "Swish": "swish_param { beta: 2 }",
    "MVN": "mvn_param { eps: 0.1 }",
    "Deconvolution": "convolution_param { num_output: 3 kernel_size: 3 "
    "dilation: 2 }",
    "Pooling": "pooling_param { kernel_size: 1 stride: 4 }",
    "Concat": "concat_param { concat_dim: 2 }",
    "Slice": "slice_param { slice_dim: 2 slice_point: 1 }",
    "Flatten": "flatten_param { axis: 0 }",
    "PriorBox": "prior_box_param { min_size: 9 variance: 0.1 }",
}


@needs_importer
@pytest.mark.parametrize("type", FAULTS)
def test_each_known_fault_is_one(type, write):
    """OpenCV really is wrong there, and nothing else is doubted."""
    tops = 'top: "a" top: "b"' if type == "Slice" else 'top: "a"'
    both = 'bottom: "x"' * (2 if type in ("Concat", "PriorBox") else 1)
    prototxt = write(
        'input: "x" input_shape { dim: 2 dim: 4 dim: 6 dim: 5 }\n'
        f'layer {{ name: "n" type: "{type}" {both} {tops} {FAULTS[type]} }}'
    )
    net = NetParameter()
    layer = net.layer.add(name="n", type=type)
    random = np.random.default_rng(0)
    for shape in {
        "InnerProduct": [(120, 3), (3,)],
        "Deconvolution": [(4, 3, 3, 3), (3,)],
    }.get(type, []):
        set_blob(layer.blobs.add(), random.normal(size=shape))
    write_caffemodel(net, prototxt + ".caffemodel")
    caffemodel = prototxt + ".caffemodel" if layer.blobs else None
    network = CaffeNetwork.read(prototxt, caffemodel)
    graph = network.graph
    x = {"x": random.normal(size=(2, 4, 6, 5)).astype("float32")}
    number = graph.nodes[-1].tops[0]
    assert set(doubtful(graph)) == set(graph.nodes[-1].tops)
    ours, reasons = run_reference(network, x)
    assert not reasons
    theirs, _ = run_opencv(network, x)
    relative = compare(theirs[number], ours[number])[1]
    assert relative is None or relative > 1e-4


@needs_importer
def test_an_unknown_fault_of_opencv_is_told(recording, monkeypatch):
    case = recording("power_exp_log_a")
    model = to_keras(case.prototxt)
    monkeypatch.setattr(oracles, "doubtful", lambda graph: {})
    report = verify(model, case.prototxt)
    assert report.passed
    row = next(row for row in report.rows if row.layer == "lg")
    assert row.oracle == "reference"
    assert row.note == f"OpenCV {cv2.__version__} gives other numbers"
    assert row.note in str(report)


@needs_importer
def test_what_opencv_cannot_read_goes_to_the_reference(recording, capfd):
    case = recording("phase_rules_test")
    model = to_keras(case.prototxt, case.caffemodel)
    capfd.readouterr()
    report = verify(model, case.prototxt, case.caffemodel)
    assert report.passed
    assert report.oracles == {"reference": 5}
    assert report.notes == (
        f"OpenCV {cv2.__version__} cannot run it: "
        'Layer "conv" already into net',
    )
    # OpenCV's own messages would stand between ours.
    assert "OPENCV" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "module, words",
    [
        ("__version__ = '5.0.0'\ndnn = None", "OpenCV 5.0.0 has no"),
        ("raise ModuleNotFoundError", "not installed"),
    ],
)
def test_without_opencv_4(module, words, sample, tmp_path, monkeypatch):
    model = to_keras(*sample)
    # Only the process that `verify` starts imports OpenCV.
    (tmp_path / "cv2.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    report = verify(model, *sample)
    assert report.passed
    assert report.oracles == {"reference": 20}
    (note,) = report.notes
    assert words in note and "opencv-python-headless<5" in note
    assert note in str(report)
    kernel, bias = model.get_layer("conv2a").get_weights()
    model.get_layer("conv2a").set_weights([kernel, bias + 0.1])
    assert "first at layer 'conv2a'" in verify(model, *sample).summary()


def test_layers_of_users_need_a_reference(write, monkeypatch):
    monkeypatch.setattr(registry, "LAYER_TYPES", dict(registry.LAYER_TYPES))

    @register_layer("Double")
    def emit(layer, inputs):
        return layer.add(keras.layers.Rescaling, *inputs, scale=2)

    prototxt = write(
        'input: "x" input_shape { dim: 2 dim: 4 }\n'
        'layer { name: "n" type: "Double" bottom: "x" top: "y" }\n'
        'layer { name: "r" type: "ReLU" bottom: "y" top: "z" }'
    )
    model = to_keras(prototxt)
    report = verify(model, prototxt)
    assert not report.passed
    # What follows is held against the reference on the model's own numbers.
    assert [row.status for row in report.rows] == ["unchecked", "ok"]
    assert "layer 'n' (Double): has no reference" in report.summary()

    @register_reference("Double")
    def double(layer, bottoms):
        return bottoms[0] * 2

    assert verify(model, prototxt).passed

    @register_reference("Double")
    def broken(layer, bottoms):
        return bottoms[0] @ bottoms[0]

    report = verify(model, prototxt)
    assert "the reference fails" in report.summary()
    assert not report.passed


def test_inputs_are_valid(write):
    prototxt = write(
        'input: "x" input_shape { dim: 3 }\n'
        'layer { name: "e" type: "Embed" bottom: "x" top: "y" '
        "embed_param { num_output: 2 input_dim: 5 "
        "weight_filler { value: 3 } } }"
    )
    network = CaffeNetwork.read(prototxt)
    graph = network.graph
    feed = make_inputs(graph, {"x": (300,)})
    assert set(feed["x"]) == set(range(5))
    _, reasons = run_reference(network, feed)
    assert not reasons
    # A batch of a training net is cut down.
    assert make_inputs(graph, {"x": (64, 3, 256, 256)})["x"].shape[0] == 1


@pytest.mark.filterwarnings("ignore:TensorFlow cannot compile")
def test_a_path_keeps_the_original_names(recording, tmp_path):
    case = recording("odd_names")
    model = to_keras(case.prototxt, case.caffemodel)
    path = tmp_path / "m.keras"
    model.save(path)
    assert name_map(path) == name_map(model)
    assert name_map(path)["layers"][1]["name"] == "conv1/7x7_s2"
    assert name_map(keras.models.load_model(path)) is None
    report = verify(path, case.prototxt, case.caffemodel)
    assert report.passed
    assert report.rows[0].layer == "conv1/7x7_s2"


# Keras takes a dict for one input, and warns that it had wanted an array.
@pytest.mark.filterwarnings("ignore:The structure of `inputs`")
@pytest.mark.parametrize("several", [False, True])
def test_inputs_have_their_original_names(several, write):
    """Keras refuses `/`, and PyTorch `.`; Caffe has both."""
    names = ["net/da.ta", "other"][: 1 + several]
    prototxt = write(
        "".join(
            f'input: "{name}" input_shape {{ dim: 1 dim: 4 }}\n'
            for name in names
        )
        + 'layer { name: "a/b" type: "Concat" top: "y/z" '
        + " ".join(f'bottom: "{name}"' for name in names)
        + " }"
    )
    model = to_keras(prototxt, outputs=["y/z"])
    feed = {n: np.full((3, 4), i + 1.0) for i, n in enumerate(names)}
    made = keras.ops.convert_to_numpy(model(feed))
    np.testing.assert_array_equal(made, np.concatenate([*feed.values()], 1))
    np.testing.assert_array_equal(made, model.predict(feed, verbose=0))
    assert verify(model, prototxt, None, feed).passed
    assert model.output_names == ["y/z"]


def test_another_model_does_not_pass(sample):
    x, y = keras.Input((28, 28, 1)), keras.Input((3,))
    same = keras.layers.Identity()
    with pytest.raises(ValueError, match="`model` must be what"):
        verify(keras.Model([x, y], [same(x), same(y)]), *sample)
    other = keras.Model(x, keras.layers.Conv2D(16, 3, name="conv1a")(x))
    report = verify(other, *sample)
    assert {row.status for row in report.rows} == {"differs"}
    assert "first at layer 'conv1a'" in report.summary()


def test_compare():
    low = np.float32(-3.4028235e38)
    expected = np.array([0, 4, low, np.nan], np.float32)
    values = np.array([0, 5, low, np.nan], np.float32)
    assert compare(values, expected) == (1.0, 0.25, "")
    for wrong in ([0, 4, 0, np.nan], [0, 4, low, 1], [np.nan, 4, low, np.nan]):
        found = compare(np.array(wrong, np.float32), expected)
        assert found[1] is None and "places" in found[2]
    assert "shape" in compare(np.zeros(3), np.zeros((3, 1)))[2]
    # Small numbers are compared like others, and nothing is near to zero.
    assert compare(np.full(3, 1e-9), np.zeros(3))[1] > 1
    assert compare(expected[:2] * 1e-30, values[:2] * 1e-30)[1] > 0.1
    # Unless it is told how far off a number may be.
    assert compare(np.full(3, 1e-9), np.zeros(3), 2e-9)[1] == 0
    # One number has no range; float32 knows 3.5 to 1e-7 of itself.
    assert compare(np.float32([3.5000005]), np.array([3.5]))[1] < 1e-4
    assert compare(np.float32([3.51]), np.array([3.5]))[1] > 1e-2


def test_nothing_checked_is_not_a_pass():
    assert not Verification(()).passed
    row = Row("a", "ReLU", "a", (1,), reason="why")
    assert row.status == "unchecked"
    assert not Verification((row,)).passed
    assert Row("a", "ReLU", "a", (1,), oracle="x").status == "differs"
    good = Row("a", "ReLU", "a", (1,), 0.0, 0.0, "x")
    assert Verification((good,)).passed
    assert Verification((good, row)).to_dict()["rows"][1]["status"] == (
        "unchecked"
    )
