"""What all backbones take: their arguments, and what is said of wrong ones."""

import doctest
import functools
import inspect
import re

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere import zoo
from keras_hypersphere.zoo.backbones.backbone import network
from tests.zoo.backbones.every_backbone import (
    FUNCTIONS,
    KINDS,
    NAMES,
    build,
    forgotten,
    weightless,
)


@pytest.fixture(scope="module", autouse=True)
def _memory():
    with forgotten():
        yield


@pytest.mark.parametrize("name", NAMES)
def test_signature_and_example(name, monkeypatch):
    function = getattr(zoo, name)
    parameters = inspect.signature(function).parameters
    assert list(parameters)[:6] == [
        "weights",
        "input_shape",
        "include_top",
        "classes",
        "name",
        "classifier_activation",
    ]
    assert list(parameters)[-1] == "width"
    given = {n: p.default for n, p in parameters.items()}
    assert given["width"] == 1.0
    assert given["weights"] is given["classes"] is None
    assert given["include_top"] is False
    assert build(name).name == given["name"]
    assert "{" not in function.__doc__.split("Example:")[0]
    finder = doctest.DocTestFinder(recurse=False)
    [test] = finder.find(function, name, globs={"keras": keras, "kh": kh})
    assert test.examples
    # The example's network, which is built already.
    monkeypatch.setattr(zoo, name, functools.partial(build, name))
    report = []
    runner = doctest.DocTestRunner(verbose=False)
    result = runner.run(test, out=report.append)
    assert not result.failed, "".join(report)


def widths(model):
    """The channels of every convolution, and the units of dense layers."""
    return {
        x.name: x.output.shape[-1]
        for x in model.layers
        if hasattr(x, "filters") or hasattr(x, "units")
    }


@pytest.mark.parametrize("name", NAMES)
def test_narrow(name):
    """All widths are an eighth, 2 at the least."""
    published = widths(build(name))
    assert widths(build(name, width=1 / 8)) == {
        layer: max(2, width // 8) for layer, width in published.items()
    }


@pytest.mark.parametrize("name", KINDS)
def test_the_narrowest(name):
    """An embedding of two numbers, and two for every `MaxFeatureMap`."""
    model = build(name, width=1e-6)
    assert model.output_shape == (None, 2)
    for layer in model.layers:
        if isinstance(layer, kh.layers.MaxFeatureMap):
            assert layer.output.shape[-1] == 2


@pytest.mark.parametrize("architecture", KINDS)
def test_classifier_on_the_smallest_image(architecture):
    """At the printed bound something is left to classify."""
    backbone = build(architecture)
    [least] = re.findall(r"sides of (\d+)\s", FUNCTIONS[architecture].__doc__)
    shape = (int(least), int(least), backbone.input_shape[-1])
    top = build(
        architecture,
        input_shape=shape,
        include_top=True,
        classes=7,
        name="mine",
    )
    assert top.input_shape == (None, *shape)
    assert top.output_shape == (None, 7)
    assert top.name == "mine"
    assert top.layers[-1].activation is keras.activations.softmax
    head = [x for x in top.layers if x.weights][-1]
    assert head.output.shape == (None, 7)
    paths = {w.path for w in backbone.weights}
    assert {w.path for w in top.weights} - paths == {
        w.path for w in head.weights
    }


def test_logits():
    model = build(
        "SphereFace4", include_top=True, classes=7, classifier_activation=None
    )
    assert model.layers[-1].name == "fc6"


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("SphereFace20", 10572),
        ("CenterFace", 10572),
        ("LightCNNA", 10575),
        ("LightCNN9", 99891),
        ("LightCNN29V2", 80013),
        ("LeNetPlusPlus", 10),
    ],
)
def test_published_classifiers(name, classes):
    assert build(name, include_top=True).output_shape == (None, classes)


@pytest.mark.parametrize("name", NAMES)
def test_invalid_arguments(name):
    function = getattr(zoo, name)
    shape = inspect.signature(function).parameters["input_shape"].default
    wrong = {
        "input_shape": [
            shape[:2],
            (*shape[:2], 4 - shape[2]),
            (None, *shape[1:]),
            (float(shape[0]), *shape[1:]),
            (8, *shape[1:]),
            3,
        ],
        "classes": [0, -1, 2.0, True, "7"],
    }
    for value in wrong["input_shape"]:
        with pytest.raises(ValueError, match=r"`input_shape`.* or more\. Rec"):
            function(input_shape=value)
    for value in (0, -0.5, float("inf"), float("nan"), True, "8", None):
        with pytest.raises(ValueError, match=f"`width`.*width={value!r}"):
            function(width=value)
    for value in wrong["classes"]:
        with pytest.raises(ValueError, match="`classes` must be a positive"):
            build(name, include_top=True, classes=value)
        with pytest.raises(ValueError, match="`classes` must be a positive"):
            build(name, classes=value)
    with pytest.raises(ValueError, match="`include_top` must be True or Fal"):
        build(name, include_top="no")
    for value in (12, False, b"x", ""):
        with pytest.raises(ValueError, match=f"`weights`.*weights={value!r}"):
            function(weights=value)
    with pytest.raises(FileNotFoundError, match=r"no weights file '/no/x\.h5'"):
        build(name, weights="/no/x.h5")
    with pytest.raises(TypeError, match=rf"^{name}\(\) .*'pooling'"):
        function(pooling="avg")
    with pytest.raises(ValueError, match="There is no model 'imagenet'"):
        build(name, weights="imagenet")
    with pytest.raises(ValueError, match=f"must be of {name}"):
        build(name, weights="dlib-resnet")
    with pytest.raises(FileNotFoundError, match=r"'no\.weights\.h5'"):
        build(name, weights="no.weights.h5")


@pytest.mark.parametrize("name", KINDS)
def test_none_is_the_default(name):
    """As in `keras.applications`."""
    published = build(name)
    with weightless():
        model = FUNCTIONS[name](None, None, name=None)
    assert model.input_shape == published.input_shape
    assert model.name == published.name


@pytest.mark.parametrize("name", KINDS[:6])
def test_whole_numbers_of_numpy(name):
    shape = build(name).input_shape[1:]
    with weightless():
        model = FUNCTIONS[name](
            input_shape=tuple(np.array(shape)),
            include_top=True,
            classes=np.int64(7),
            width=np.float32(1 / 8),
        )
    plain = build(
        name, input_shape=shape, include_top=True, classes=7, width=1 / 8
    )
    assert model.to_json() == plain.to_json()


@pytest.mark.parametrize(
    ("name", "arguments", "card", "call"),
    [
        (
            "FaceNetNNS2",
            {},
            "facenet-nns2.miniature",
            "FaceNetNNS2(use_bias=True, width=0.03125, "
            "input_shape=(140, 116, 3))",
        ),
        (
            "LeNetPlusPlus",
            {"width": 1 / 16, "include_top": True},
            "lenet-pp.miniature",
            "LeNetPlusPlus(width=0.0625, input_shape=(28, 28, 1))",
        ),
    ],
)
@pytest.mark.usefixtures("miniatures")
def test_cards_of_another_call(name, arguments, card, call):
    """The message says how the network of the card is built."""
    with pytest.raises(ValueError, match=f" of {re.escape(call)}") as caught:
        FUNCTIONS[name](weights=card, **arguments)
    advised = "use include_top=False" in str(caught.value)
    assert advised == arguments.get("include_top", False)


@pytest.mark.parametrize(
    "name", ["FaceNetNN1", "FaceNetNN2", "InceptionResNetV1", "MobileFaceNet"]
)
def test_classes_that_nobody_published(name):
    with pytest.raises(ValueError, match=r"`classes`.*classes=None"):
        build(name, include_top=True)


def test_unknown_variant():
    with pytest.raises(ValueError, match=r"variant='paper64'"):
        zoo.SphereFace64(variant="paper64")


def test_docstring_is_indented_alike_on_all_pythons():
    """Since 3.13 Python hands it over without the indentation."""

    def build():
        return None

    indented = "Builds.\n\n    {arguments}\n\n    {result}\n    "
    found = []
    for text in (indented, inspect.cleandoc(indented)):
        build.__doc__ = text
        made = network(shape=(8, 8, 3), smallest=8, dim=4)(build)
        found.append(inspect.getdoc(made))
    assert found[0] == found[1]
    assert "\nArgs:\n    weights: None" in found[0]
    assert "\n\nRaises:\n    ValueError: If an" in found[0]
