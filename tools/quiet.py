"""Keeps the notices that Keras's backend writes away from stderr.

TensorFlow's native code logs before any setting of ours is read
(`TF_CPP_MIN_LOG_LEVEL` comes too late for some lines), straight to the file
descriptor. An error line of ours would drown in them. Most subcommands need
Keras late or not at all, so its import is made quiet when it comes.
"""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from types import ModuleType


def quieten_keras() -> None:
    """The import of Keras, if there will be one, writes nothing."""
    if "keras" not in sys.modules:
        sys.meta_path.insert(0, QuietFinder())


class QuietFinder(importlib.abc.MetaPathFinder):
    """Finds `keras` once, through the other finders, and wraps its loader."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "keras":
            return None
        # Stepping aside lets the others answer.
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = QuietLoader(spec.loader)
        return spec


class QuietLoader(importlib.abc.Loader):
    """Runs the real loader without what it writes to stderr."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader

    def create_module(
        self, spec: importlib.machinery.ModuleSpec
    ) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with quiet():
            self.loader.exec_module(module)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What is written to stderr appears only if the block fails."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            yield
        except BaseException:
            notices.seek(0)
            os.write(terminal, notices.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextlib.contextmanager
def printed_aside() -> Iterator[None]:
    """What native code prints goes to stderr, and not into our answer."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
