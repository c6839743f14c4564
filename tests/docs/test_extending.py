"""The heads of the guide: the page runs, and each passes the checks."""

import re
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.testing import check_head

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
CODE = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
pytestmark = pytest.mark.docs
HEADS = (
    "ShiftedCosine",
    "QualityFace",
    "HardNegatives",
    "LongFeatures",
    "BinaryFace",
)
LOSSES = {"BinaryFace": None}
X = np.random.default_rng(0).normal(size=(12, 6)).astype("float32")
Y = np.arange(12) % 5


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The names of the page; its own calls, less what takes processes."""
    folder = tmp_path_factory.mktemp("page")
    classes = [code for code in CODE if "check_head" not in code]
    (folder / "my_heads.py").write_text("\n".join(classes))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        module = types.ModuleType("my_heads")
        sys.modules["my_heads"] = module
        exec(compile("\n".join(classes), str(PAGE), "exec"), vars(module))
        yield module
        del sys.modules["my_heads"]


@pytest.mark.parametrize("name", HEADS)
def test_passes_the_checks(page, name):
    # What heads here share, the first shows for all.
    shared = ["dtype policies"] if name != HEADS[0] else []
    check_head(
        getattr(page, name),
        {"units": 5},
        loss=LOSSES.get(name, "softmax"),
        skip=["fresh process", "replicas", *shared],
    )


def test_the_statistic_moves_in_training_and_is_saved(page, tmp_path):
    backbone = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    model = MarginModel(backbone, page.QualityFace(5))
    model.compile(keras.optimizers.SGD(0.0))
    lengths = np.linalg.norm(model.predict(X, verbose=0), axis=1)
    model.evaluate(X, Y, verbose=0)
    assert float(model.head.mean_length) == 1.0
    model.fit(X, Y, verbose=0)
    wanted = 1.0 + 0.01 * (lengths.mean() - 1.0)
    assert float(model.head.mean_length) == pytest.approx(wanted, rel=1e-5)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert float(restored.head.mean_length) == pytest.approx(wanted, rel=1e-5)


def test_ignored_samples_move_no_statistic(page):
    head = page.QualityFace(5, ignore_class=-1)
    head(X, np.full(12, -1), training=True)
    assert float(head.mean_length) == 1.0
    head(100 * X, np.where(Y == 0, -1, Y), training=True)
    lengths = np.linalg.norm(100 * X[Y != 0], axis=1)
    wanted = 1.0 + 0.01 * (lengths.mean() - 1.0)
    assert float(head.mean_length) == pytest.approx(wanted, rel=1e-5)


def test_own_losses_are_logged(page):
    for name, logged in {
        "LongFeatures": ["long_features_loss", "softmax_cross_entropy"],
        "BinaryFace": ["binary_face_loss"],
    }.items():
        backbone = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
        model = MarginModel(backbone, getattr(page, name)(5))
        model.compile("sgd")
        logs = model.fit(X, Y, verbose=0).history
        assert sorted(logs) == ["accuracy", *sorted(["loss", *logged])]


def test_margin_logits_alone_are_enough(page):
    """One method instead of two, and the same results."""

    class InOnePiece(page.ShiftedCosine):
        def apply_margin(self, *args, **kwargs):
            raise AssertionError("not asked for")

        def margin_logits(
            self, x, labels, annealing_value, training, classes=None
        ):
            logits = self.logits(x, classes)
            return page.ShiftedCosine.apply_margin(
                self, logits, x, labels, annealing_value, training, classes
            )

    found = []
    for cls in (page.ShiftedCosine, InOnePiece):
        start = keras.initializers.RandomNormal(seed=0)
        head = cls(5, kernel_initializer=start)
        found.append(ops.convert_to_numpy(head(X, Y, training=True)))
    np.testing.assert_allclose(*found, rtol=1e-6)
