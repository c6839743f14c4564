import sys
import types

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import to_keras, verify
from keras_hypersphere.tools.caffe.report import Row, Verification, compare

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
def test_what_opencv_gets_wrong_is_unchecked(recording):
    case = recording("pool_empty_window")
    report = verify(to_keras(case.prototxt), case.prototxt, None)
    assert not report.passed
    assert {row.status for row in report.rows} == {"unchecked"}
    assert "empty windows" in report.summary()


@needs_importer
def test_what_opencv_cannot_read_is_unchecked(recording):
    case = recording("phase_rules_test")
    model = to_keras(case.prototxt, case.caffemodel)
    report = verify(model, case.prototxt, case.caffemodel)
    assert not report.passed
    assert "cannot run it" in report.summary()


@pytest.mark.parametrize(
    "module, words",
    [
        (types.SimpleNamespace(__version__="5.0.0", dnn=None), "OpenCV 5.0.0"),
        (None, "not installed"),
    ],
)
def test_without_opencv_4(module, words, sample, monkeypatch):
    model = to_keras(*sample)
    monkeypatch.setitem(sys.modules, "cv2", module)
    report = verify(model, *sample)
    assert not report.passed
    assert {row.oracle for row in report.rows} == {None}
    assert words in report.summary()
    assert "opencv-python-headless<5" in report.summary()


def test_compare():
    low = np.float32(-3.4028235e38)
    expected = np.array([0, 4, low, np.nan], np.float32)
    values = np.array([0, 5, low, np.nan], np.float32)
    assert compare(values, expected) == (1.0, 0.25, "")
    for wrong in ([0, 4, 0, np.nan], [0, 4, low, 1], [np.nan, 4, low, np.nan]):
        found = compare(np.array(wrong, np.float32), expected)
        assert found[1] is None and "places" in found[2]
    assert "shape" in compare(np.zeros(3), np.zeros((3, 1)))[2]
    # A constant blob has no range: 1e-6 stands for it.
    assert compare(np.full(3, 1e-6), np.zeros(3))[1] == pytest.approx(1)


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
