"""What people run: the command line, the demo and the Caffe converter."""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_hypersphere.tools import caffe

__all__ = ["caffe"]


# To a type checker it would give every name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> ModuleType:
        if name in __all__:
            return importlib.import_module(f"keras_hypersphere.tools.{name}")
        raise AttributeError(
            f"module 'keras_hypersphere.tools' has no attribute {name!r}"
        )
