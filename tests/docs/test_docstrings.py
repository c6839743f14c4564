"""Docstrings of what people call say what they take, raise and give.

Those of layers, losses and callbacks are held to more by
`tests/keras_hypersphere/test_conformance.py`, which runs their examples too.
"""

import dataclasses
import doctest
import inspect
import math
import re

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from docs.objects import pages
from keras_hypersphere.caffe_format import custom_layers
from keras_hypersphere.tools.caffe import layer_type

MODULES = ("callbacks", "data", "evaluation", "tools", "zoo")
ELSEWHERE = ("callbacks", "data")
PAGES = [
    page
    for page in pages()
    if page.name
    and page.module.split(".")[0] in MODULES
    and not (inspect.isclass(page.value) and issubclass(page.value, Exception))
]


def is_record(page):
    """What functions take and return; their examples show it."""
    # What a converter is called with is made by the library, too.
    given = page.path == "tools.caffe.Emission"
    return dataclasses.is_dataclass(page.value) or given


def constructor(page):
    """What is called."""
    init = getattr(page.value, "__init__", None)
    return init if inspect.isfunction(init) else page.value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_says_what_it_takes(page):
    text = inspect.getdoc(page.value) or ""
    first = text.split("\n")[0]
    assert first.endswith(".") and text[len(first) :][:2] in ("", "\n\n")
    for argument in inspect.signature(constructor(page)).parameters.values():
        name = argument.name
        if name != "self" and argument.kind not in (
            argument.VAR_POSITIONAL,
            argument.VAR_KEYWORD,
        ):
            said = rf"^ +(\w+, )*{name}(, \w+)*:"
            assert re.search(said, text, re.M), f"{name} is not in Args"
    if is_record(page):
        return
    if "raise ValueError" in inspect.getsource(constructor(page)):
        assert re.search(r"^Raises:\n(.+\n)* +ValueError: ", text, re.M)
    assert re.search(r"^Example:(\n\n>>> |:\n)", text, re.M)


@pytest.mark.docs
@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if ">>>" in inspect.getdoc(page.value) and page.module not in ELSEWHERE
    ],
    ids=lambda page: page.path,
)
def test_example_runs(page, monkeypatch):
    for module, table in (
        (layer_type, "LAYER_TYPES"),
        (custom_layers, "CUSTOM"),
    ):
        monkeypatch.setattr(module, table, dict(getattr(module, table)))
    names = {"keras": keras, "kh": kh, "math": math, "np": np}
    names[page.name] = page.value
    finder = doctest.DocTestFinder(recurse=False)
    [test] = finder.find(page.value, page.name, globs=names)
    said = []
    done = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert done.attempted and not done.failed, "".join(said)
