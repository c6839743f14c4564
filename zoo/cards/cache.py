"""The user's folder of weights and cards that do not come with the package."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where they lie: in `KERAS_HOME`, or `~/.keras`."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "models" / "keras_hypersphere"
