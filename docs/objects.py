"""The public objects of the package, as the API pages show them."""

import functools
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import keras_hypersphere as kh

PACKAGE = "keras_hypersphere"


@dataclass(frozen=True)
class Page:
    """A public object.

    Attributes:
        module: name of its module below `kh`, as in `layers`.
        name: its own; empty for the page of the module.
        value: the object.
    """

    module: str
    name: str
    value: Any

    @property
    def path(self) -> str:
        """What a user writes behind `kh.`."""
        return f"{self.module}.{self.name}".rstrip(".")

    @property
    def full(self) -> str:
        """The name that can be imported."""
        return f"{PACKAGE}.{self.path}"

    @property
    def summary(self) -> str:
        """The first sentence of its docstring."""
        text = inspect.getdoc(self.value) or ""
        return " ".join(text.split("\n\n")[0].split())


def public_names(module: ModuleType) -> list[str]:
    """Names that a module exports."""
    own = [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__
        and not name.startswith("_")
    ]
    return sorted(getattr(module, "__all__", own), key=str.lower)


def walk(module: ModuleType, path: str) -> Iterator[Page]:
    """The page of a module, and those of all it exports."""
    yield Page(path, "", module)
    for name in public_names(module):
        value = getattr(module, name)
        if inspect.ismodule(value):
            yield from walk(value, f"{path}.{name}")
        elif callable(value):
            yield Page(path, name, value)


@functools.cache
def pages() -> list[Page]:
    """All of them."""
    names = [name for name in kh.__all__ if not name.startswith("_")]
    return [
        page
        for name in names
        for page in walk(importlib.import_module(f"{PACKAGE}.{name}"), name)
    ]
