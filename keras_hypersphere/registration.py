"""Makes Keras know our classes, without importing Keras ourselves.

`keras.models.load_model` finds a custom class only if it was registered.
Importing Keras takes seconds, so `import keras_hypersphere` must not do it
(`keras-hypersphere --help` would wait). Instead:

* if Keras is already imported, the packages below are imported at once;
* otherwise a finder waits on `sys.meta_path` for the first `import keras`,
  lets the real import run to its end, and imports the packages after it.

A package's `__init__.py` starts with `import keras`, so that the hook has run
before any of its files starts; files import files, never a package.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

PACKAGES = (
    "keras_hypersphere.initializers",
    "keras_hypersphere.constraints",
    "keras_hypersphere.schedules",
    "keras_hypersphere.layers",
    "keras_hypersphere.caffe_layers",
    "keras_hypersphere.losses",
    "keras_hypersphere.models",
    "keras_hypersphere.optimizers",
    "keras_hypersphere.addons",
)


def install() -> None:
    """Registers our classes now, or as soon as Keras is imported."""
    if "keras" in sys.modules:
        register()
    elif not any(isinstance(f, KerasFinder) for f in sys.meta_path):
        sys.meta_path.insert(0, KerasFinder())


def register() -> None:
    """Imports every package that holds serializable classes."""
    for package in PACKAGES:
        importlib.import_module(package)


class KerasFinder(importlib.abc.MetaPathFinder):
    """Finds `keras` once, through the other finders, and wraps its loader."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        # Stepping aside lets the ordinary finders answer.
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            sys.meta_path.insert(0, self)
            return spec
        spec.loader = RegisteringLoader(spec.loader, self)
        return spec


class RegisteringLoader(importlib.abc.Loader):
    """Runs the real loader of Keras, then `register()`."""

    def __init__(
        self, loader: importlib.abc.Loader, finder: KerasFinder
    ) -> None:
        self.loader = loader
        self.finder = finder

    def create_module(
        self, spec: importlib.machinery.ModuleSpec
    ) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # Keras must look as if nobody had stood between.
        module.__spec__.loader = self.loader  # type: ignore[union-attr]
        module.__loader__ = self.loader
        try:
            self.loader.exec_module(module)
        except BaseException:
            # A failed import may be tried again, with another backend.
            sys.meta_path.insert(0, self.finder)
            raise
        register()
