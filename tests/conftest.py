"""What all tests share.

Each starts from the same random numbers, so that none depends on the order,
and with a KERAS_HOME of its own, so that none depends on the models that the
developer has. Tests that only some backends can run say so with `only_on`.
"""

import gc
import itertools
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

HOMES = pytest.StashKey[tempfile.TemporaryDirectory]()
COUNT = itertools.count()
MINIATURES = Path(__file__).parent / "fixtures" / "miniatures"


def pytest_configure(config):
    """What is read before the first test begins has a home too."""
    config.stash[HOMES] = tempfile.TemporaryDirectory(prefix="keras-homes-")
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    settings = Path(home) / "keras.json"
    kept = Path(config.stash[HOMES].name) / "keras.json"
    # Keras reads it where it is imported: backend and numbers stay the same.
    if settings.is_file():
        shutil.copy(settings, kept)
    os.environ["KERAS_HOME"] = config.stash[HOMES].name


def pytest_unconfigure(config):
    config.stash[HOMES].cleanup()


def pytest_collection_finish():
    """Looks at the modules for garbage once, and not in each test again.

    `make test` runs what TensorFlow traces as it was traced, since most of it
    runs once; `make test-slow` and `make test-everything` optimize it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    if os.environ.get("UNOPTIMIZED") and "tensorflow" in sys.modules:
        sys.modules["tensorflow"].config.optimizer.set_experimental_options(
            {"disable_meta_optimizer": True}
        )


@pytest.fixture(autouse=True)
def _home(request, monkeypatch):
    folder = Path(request.config.stash[HOMES].name)
    home = folder / str(next(COUNT))
    home.mkdir()
    if (folder / "keras.json").is_file():
        shutil.copy(folder / "keras.json", home)
    monkeypatch.setenv("KERAS_HOME", str(home))


@pytest.fixture
def miniatures(_home):
    """Tiny networks with random weights, where users keep their cards."""
    cache = Path(os.environ["KERAS_HOME"]) / "models" / "keras_hypersphere"
    shutil.copytree(MINIATURES, cache)


@pytest.fixture(autouse=True)
def _seeded():
    # Tests of what needs no Keras do not import it.
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _only_on(request):
    for marker in request.node.iter_markers("only_on"):
        # Late, since tests without the marker may need no Keras.
        import keras

        backend = keras.config.backend()
        if backend not in marker.args:
            pytest.skip(f"not on {backend}: {marker.kwargs['reason']}")
