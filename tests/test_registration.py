"""Keras is loaded late, and still knows our classes."""

import subprocess
import sys

import pytest

LOAD = """
import keras
import numpy as np
model = keras.models.load_model({path!r})
np.save({out!r}, model.predict(np.load({inputs!r}), verbose=0))
"""


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_alone_loads_neither_keras_nor_numpy():
    heavy = ("keras", "numpy", "cv2", "sklearn", "mtcnn", "matplotlib")
    out = run(
        "import sys, keras_hypersphere\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    assert out.strip() == "[]"


def test_import_adds_little_beside_keras():
    """Registering imports our own files only, and few of them; layers load
    Keras and NumPy only. What Keras itself loads is not counted: older ones
    look for OpenCV.
    """
    out = run(
        "import sys, keras\n"
        "before = set(sys.modules)\n"
        "import keras_hypersphere as kh\n"
        "new = {m.split('.')[0] for m in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names)))\n"
        "kh.layers.NormalizeLayer\n"
        "for name in ('cv2', 'sklearn', 'mtcnn', 'matplotlib'):\n"
        "    assert name in before or name not in sys.modules, name\n"
    )
    assert out.strip() == "['keras_hypersphere']"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    import keras
    import numpy as np

    from keras_hypersphere.layers import CosineDense, NormalizeLayer

    folder = tmp_path_factory.mktemp("saved")
    model = keras.Sequential(
        [keras.Input((5,)), NormalizeLayer(), CosineDense(3, scale=4.0)]
    )
    inputs = np.random.default_rng(0).normal(size=(7, 5)).astype("float32")
    model.save(folder / "model.keras")
    np.save(folder / "inputs.npy", inputs)
    return folder, model.predict(inputs, verbose=0)


# The conformance checks load in a fresh process all the time.
@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import keras_hypersphere",
        "import keras\nimport keras_hypersphere",
        # A package, or a file of it, may be the first to import Keras.
        "from keras_hypersphere.schedules import LambdaAnnealing",
        "from keras_hypersphere.layers.cosine_dense import CosineDense",
    ],
)
def test_saved_model_loads_in_a_fresh_process(saved, imports, tmp_path):
    import numpy as np

    folder, expected = saved
    out = tmp_path / "out.npy"
    code = LOAD.format(
        path=str(folder / "model.keras"),
        inputs=str(folder / "inputs.npy"),
        out=str(out),
    )
    run(imports + code)
    np.testing.assert_allclose(np.load(out), expected, rtol=1e-6)


@pytest.mark.slow
def test_keras_keeps_its_own_loader():
    run(
        "import keras_hypersphere, sys\n"
        "import keras\n"
        "from keras_hypersphere.registration import KerasFinder as F\n"
        "from keras_hypersphere.registration import RegisteringLoader as L\n"
        "assert not isinstance(keras.__loader__, L)\n"
        "assert not isinstance(keras.__spec__.loader, L)\n"
        "assert not any(isinstance(f, F) for f in sys.meta_path)\n"
    )


@pytest.mark.slow
def test_a_failed_keras_import_may_be_tried_again():
    run(
        "import os, sys\n"
        "os.environ['KERAS_BACKEND'] = 'no such backend'\n"
        "import keras_hypersphere\n"
        "try:\n"
        "    import keras\n"
        "except Exception:\n"
        "    pass\n"
        "else:\n"
        "    raise SystemExit('the wrong backend was accepted')\n"
        "for name in [m for m in sys.modules if m.split('.')[0] == 'keras']:\n"
        "    del sys.modules[name]\n"
        "os.environ['KERAS_BACKEND'] = 'tensorflow'\n"
        "import keras\n"
        "assert 'keras_hypersphere.layers' in sys.modules\n"
    )


def test_no_two_classes_have_one_saved_name():
    """The later one would be loaded in the place of the other."""
    import importlib
    import inspect
    import pkgutil

    import keras

    import keras_hypersphere

    places: dict[str, set[str]] = {}
    for module in pkgutil.walk_packages(
        keras_hypersphere.__path__, "keras_hypersphere."
    ):
        if module.name.split(".")[1] in ("zoo", "tools", "testing", "__main__"):
            continue
        found = vars(importlib.import_module(module.name))
        for cls in filter(inspect.isclass, found.values()):
            name = keras.saving.get_registered_name(cls)
            if ">" in name and cls.__module__.startswith("keras_hypersphere"):
                places.setdefault(name, set()).add(cls.__module__)
    assert len(places) > 50
    assert not {n: p for n, p in places.items() if len(p) > 1}
