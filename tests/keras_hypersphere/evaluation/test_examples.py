"""Every public function says what it does, and its example runs."""

import doctest
import inspect

import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere import evaluation

FUNCTIONS = [
    getattr(evaluation, name)
    for name in evaluation.__all__
    if inspect.isfunction(getattr(evaluation, name))
]
# What reads a file has no example that runs without one.
MEASURES = [f for f in FUNCTIONS if not f.__name__.startswith("read_")]


@pytest.mark.parametrize("function", MEASURES, ids=lambda f: f.__name__)
def test_example_runs(function):
    names = {"np": np, "kh": kh, function.__name__: function}
    finder = doctest.DocTestFinder(recurse=False)
    [test] = finder.find(function, function.__name__, globs=names)
    assert test.examples
    output = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=output.append)
    assert not result.failed, "".join(output)


@pytest.mark.parametrize("function", MEASURES, ids=lambda f: f.__name__)
def test_docstring_has_its_sections(function):
    text = inspect.getdoc(function)
    for section in ("Args:\n", "Returns:\n", "Example:\n"):
        assert section in text, section
    for name in inspect.signature(function).parameters:
        assert f"    {name}: " in text, name
    if function.__name__ != "verification_report":
        assert "Reference:\n" in text
