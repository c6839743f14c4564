"""Hypersphere face embedding for Keras 3.

Packages are imported when they are first used, Keras among them; see
`keras_hypersphere/registration.py` for how saved models still load.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from keras_hypersphere import registration
from keras_hypersphere.version import __version__

if TYPE_CHECKING:
    from keras_hypersphere import (
        addons,
        augmentation,
        caffe_format,
        callbacks,
        constraints,
        data,
        evaluation,
        initializers,
        layers,
        losses,
        mining,
        models,
        optimizers,
        plotting,
        recipes,
        schedules,
        testing,
        theory,
        tools,
        zoo,
    )

__all__ = [
    "__version__",
    "addons",
    "augmentation",
    "caffe_format",
    "callbacks",
    "constraints",
    "data",
    "evaluation",
    "initializers",
    "layers",
    "losses",
    "mining",
    "models",
    "optimizers",
    "plotting",
    "recipes",
    "schedules",
    "testing",
    "theory",
    "tools",
    "zoo",
]


# To a type checker it would give every name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> ModuleType:
        if name in __all__:
            return importlib.import_module(f"keras_hypersphere.{name}")
        raise AttributeError(
            f"module 'keras_hypersphere' has no attribute {name!r}. "
            f"Its parts are: {', '.join(__all__)}."
        )


def __dir__() -> list[str]:
    return sorted(__all__)


registration.install()
