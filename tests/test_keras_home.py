"""No test sees the models and cards that the developer has."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INNER = """
import os
from pathlib import Path

from keras_hypersphere.zoo import list_models

SETTINGS = Path(os.environ["KERAS_HOME"], "keras.json").read_text()

def test_inner():
    settings = Path(os.environ["KERAS_HOME"], "keras.json").read_text()
    assert settings == SETTINGS == '{"backend": "numpy"}'
    assert "mine" not in list_models()
"""


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_home_of_its_own(turn):
    written = Path(os.environ["KERAS_HOME"]) / "written"
    assert not written.exists()
    written.touch()


def test_settings_of_keras_stay_and_models_do_not(tmp_path):
    """Keras reads the backend where its models are."""
    models = tmp_path / "home" / "models" / "keras_hypersphere"
    models.mkdir(parents=True)
    (models / "mine.json").write_text("{}")
    (tmp_path / "home" / "keras.json").write_text('{"backend": "numpy"}')
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_inner.py").write_text(INNER)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "KERAS_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
