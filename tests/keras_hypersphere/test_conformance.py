"""Every public layer and loss passes the exported checks and is documented."""

import doctest
import importlib
import inspect
import math

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere import addons, layers, losses
from keras_hypersphere.layers.head import Head
from keras_hypersphere.testing import (
    check_head,
    check_layer,
    check_loss,
    head_suite,
    layer_suite,
    loss_suite,
)

IMAGES = (4, 4, 6, 4)
# On TensorFlow `make docs` runs them, with the code of the pages.
ON_TENSORFLOW = keras.config.backend() == "tensorflow"
EXAMPLES = [pytest.mark.docs] if ON_TENSORFLOW else []


def flip_concat(**arguments):
    backbone = keras.Sequential(
        [
            keras.Input(IMAGES[1:]),
            keras.layers.Flatten(),
            layers.Maxout(3),
        ]
    )
    return layers.FlipConcat(backbone, **arguments)


def cross_batch_memory(**arguments):
    loss = losses.SupervisedContrastiveLoss()
    return losses.CrossBatchMemory(loss, **arguments)


def chunked_classes(**arguments):
    return layers.ChunkedClasses(layers.ArcFace(5), **arguments)


def sampled_classes(**arguments):
    return layers.SampledClasses(layers.ArcFace(5), seed=3, **arguments)


# Class: what to check it with, once or more; what is more is slow. Another
# process and replicas take seconds: variants leave them to the first row of
# their class, unless they have weights that it has not.
ONCE = {"skip": ["fresh process", "replicas"]}
# Keras before 3.13 does not save that labels are optional. A functional model
# that is loaded there wants some, with which these layers give classes.
VERSION = tuple(map(int, keras.__version__.split(".")[:2]))
WITH_LABELS = {} if VERSION >= (3, 13) else {"skip": ["fresh process"]}
LAYERS = {
    layers.ChannelAffine: [{"input_shape": IMAGES}],
    layers.CosineDense: [
        {"init_kwargs": {"units": 4}},
        {
            "init_kwargs": {
                "units": 4,
                "scale": 10.0,
                "learn_scale": True,
                "use_bias": True,
                "gradient": "caffe",
            },
            "skip": ["replicas"],
        },
    ],
    layers.Flip: [{"init_kwargs": {"height": True}, "input_shape": IMAGES}],
    layers.FlipConcat: [
        {"cls_or_factory": flip_concat, "input_shape": IMAGES},
        {
            "cls_or_factory": flip_concat,
            "init_kwargs": {"merge": "max", "normalize": True},
            "input_shape": IMAGES,
            **ONCE,
        },
    ],
    layers.L2Pooling2D: [
        {"init_kwargs": {"pool_size": (2, 3)}, "input_shape": IMAGES},
        {
            "init_kwargs": {"pool_size": 3, "strides": 2, "padding": "same"},
            "input_shape": IMAGES,
            **ONCE,
        },
    ],
    layers.LocalResponseNormalization: [
        {"input_shape": IMAGES},
        {
            "init_kwargs": {"size": 3, "within_channel": True},
            "input_shape": IMAGES,
            **ONCE,
        },
    ],
    losses.CrossBatchMemory: [
        {
            "cls_or_factory": cross_batch_memory,
            "init_kwargs": {"size": 12},
            "call_kwargs": {"labels": np.array([0, 1, 2, 3] * 2, "int32")},
        }
    ],
    layers.MaxFeatureMap: [{"input_shape": IMAGES}],
    layers.Maxout: [{"init_kwargs": {"units": 3, "pieces": 3}}],
    layers.NormalizeLayer: [
        {},
        {"init_kwargs": {"norm": "l1", "gradient": "fixed"}, **ONCE},
        {"init_kwargs": {"return_norm": True}, **ONCE},
    ],
    layers.ScalarScale: [{"init_kwargs": {"range": (0.5, None)}}],
    addons.layers.Maxout: [
        {"init_kwargs": {"num_units": 2}, "input_shape": (4, 4, 6, 4)}
    ],
    layers.ZeroExtendedAdd: [
        {
            "input_shape": [(8, 3, 4, 5), (8, 4, 3, 2)],
            # Two largest float16 numbers have no sum.
            "skip": ["edges"],
        }
    ],
}
HEADS = {
    layers.ASoftmax: [
        {},
        {"init_kwargs": {"gradient": "caffe", "margin": 3}, **ONCE},
    ],
    layers.AMSoftmax: [
        {},
        {
            "init_kwargs": {"gradient": "caffe", "margin": 0.2, "scale": 20.0},
            **ONCE,
        },
    ],
    layers.AgentContrastive: [
        {"loss": None},
        {
            "init_kwargs": {
                "gradient": "caffe",
                "adaptive_margin": True,
                "normalize_negative": 0.5,
            },
            "loss": None,
            "skip": ["replicas"],
        },
    ],
    layers.AgentTriplet: [
        {"loss": None},
        {"init_kwargs": {"gradient": "caffe"}, "loss": None, **ONCE},
    ],
    layers.ArcFace: [
        {},
        {"init_kwargs": {"gradient": "caffe", "easy_margin": True}, **ONCE},
    ],
    layers.CenterLoss: [
        {"loss": None},
        {"init_kwargs": {"gradient": "caffe"}, "loss": None, **ONCE},
    ],
    layers.InnerDistance: [
        {},
        {
            "init_kwargs": {
                "distance": "l1",
                "gradient": "caffe",
                "normalize_kernel": True,
            },
            **ONCE,
        },
    ],
    layers.AdaFace: [
        {},
        {"init_kwargs": {"gradient": "straight-through"}, **ONCE},
    ],
    layers.ChunkedClasses: [
        {
            "cls_or_factory": chunked_classes,
            "init_kwargs": {"chunk": 2},
            "loss": None,
            **WITH_LABELS,
        }
    ],
    layers.SampledClasses: [
        {
            "cls_or_factory": sampled_classes,
            "init_kwargs": {"rate": 0.8},
            "loss": None,
            **WITH_LABELS,
        }
    ],
    layers.CombinedMargin: [
        {},
        {"init_kwargs": {"margins": (1.7, 0.2, 0.1)}, **ONCE},
    ],
    layers.CurricularFace: [
        {},
        {"init_kwargs": {"gradient": "straight-through"}, **ONCE},
    ],
    layers.ElasticFace: [
        {},
        {
            "init_kwargs": {"plus": True, "kind": "cos"},
            "skip": ["fresh process"],
        },
    ],
    layers.MagFace: [
        {"init_kwargs": {"norm_range": (0.1, 5)}},
        {"init_kwargs": {"gradient": "straight-through"}, **ONCE},
    ],
    layers.SphereFace2: [
        {"loss": None},
        {"init_kwargs": {"gradient": "straight-through"}, **ONCE},
    ],
    layers.SphereFaceR: [{}],
    layers.SubCenterArcFace: [
        {},
        {"init_kwargs": {"subcenters": 2, "easy_margin": True}, **ONCE},
    ],
    layers.UniFace: [{"loss": None}],
    layers.ProxyAnchor: [
        {"loss": None},
        {"init_kwargs": {"gradient": "caffe"}, "loss": None, **ONCE},
    ],
    layers.LSoftmax: [
        {},
        {"init_kwargs": {"margin": 2, "annealing": None}, **ONCE},
    ],
}
# Heads that add no way of computing to those that are checked each time, and
# have tests of their own.
SLOW = {
    layers.CombinedMargin,
    layers.CurricularFace,
    layers.MagFace,
    layers.SphereFaceR,
    layers.SubCenterArcFace,
    layers.UniFace,
}
# To be subclassed; nothing that runs by itself.
BASES = {losses.MetricLoss, layers.MarginHead}
# Further heads are checked as they come.
HEADS |= {
    cls: [{}]
    for cls in map(vars(layers).get, layers.__all__)
    if issubclass(cls, Head) and cls not in {**HEADS, **dict.fromkeys(BASES)}
}
LOSSES = {
    losses.AgentContrastiveLoss: [{}],
    losses.AgentTripletLoss: [{}],
    # Rounding to half precision may change which triplets are semi-hard.
    losses.HarmonicTripletLoss: [
        {},
        {"init_kwargs": {"mining": "all"}, **ONCE},
    ],
    losses.CircleLoss: [{}, {"init_kwargs": {"gradient": "exact"}, **ONCE}],
    losses.MultiSimilarityLoss: [{}, {"init_kwargs": {"base": 0.2}, **ONCE}],
    losses.PairContrastiveLoss: [{}],
    losses.SupervisedContrastiveLoss: [{}],
    losses.SoftmaxCrossEntropy: [{}],
    losses.TripletLoss: [
        {},
        {"init_kwargs": {"mining": "hard", "distance": "l2"}},
        {"init_kwargs": {"mining": "all", "distance": "cosine"}},
    ],
}
# One number for a batch: not one a sample, and not from all replicas.
WHOLE = {"skip": ["values", "replicas"]}
WHOLE_ONCE = {"skip": [*WHOLE["skip"], *ONCE["skip"]]}
LOSSES |= {
    addons.losses.LiftedStructLoss: [WHOLE],
    addons.losses.NpairsLoss: [{"input_shape": (8, 8), **WHOLE}],
    addons.losses.TripletHardLoss: [
        WHOLE,
        {
            "init_kwargs": {"soft": True, "distance_metric": "angular"},
            **WHOLE_ONCE,
        },
    ],
    addons.losses.TripletSemiHardLoss: [
        WHOLE,
        {"init_kwargs": {"distance_metric": "squared-L2"}, **WHOLE_ONCE},
    ],
}
# Targets that are no class labels: tests/keras_hypersphere/addons checks them.
OTHER_TARGETS = {
    addons.losses.ContrastiveLoss,
    addons.losses.NpairsMultilabelLoss,
}
# Packages whose classes must be documented; those with checks come first.
PACKAGES = (
    "layers",
    "losses",
    "addons.layers",
    "addons.losses",
    "augmentation",
    "callbacks",
    "constraints",
    "data",
    "initializers",
    "models",
    "optimizers",
    "schedules",
)
FUNCTIONS = ("mining", "testing", "theory")


def cases(table, checks):
    """Rows for a check; two replicas, which take as long, are slow."""
    rest = [name for name in checks if name != "replicas"]
    for cls, several in table.items():
        # What kh.addons has of ours is checked in quick tests there.
        later = cls in SLOW or ".addons." in cls.__module__
        for index, case in enumerate(several):
            skip = case.get("skip", [])
            given = {"cls_or_factory": cls, **case}
            yield pytest.param(
                {**given, "skip": [*skip, "replicas"]},
                id=f"{cls.__name__}-{index}",
                marks=[pytest.mark.slow] if index or later else [],
            )
            if "replicas" not in skip:
                yield pytest.param(
                    {**given, "skip": rest},
                    id=f"{cls.__name__}-{index}-replicas",
                    marks=[pytest.mark.slow],
                )


def public(*packages):
    for package in packages:
        module = importlib.import_module(f"keras_hypersphere.{package}")
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if inspect.isfunction(value)
            and value.__module__ == module.__name__
            and not name.startswith("_")
        ]
        for name in names:
            thing = getattr(module, name)
            if thing is not losses.MetricLoss:
                yield pytest.param(thing, id=f"{package}.{name}")


@pytest.mark.parametrize("case", cases(LAYERS, layer_suite.CHECKS))
def test_layer(case):
    check_layer(**case)


@pytest.mark.parametrize("case", cases(HEADS, head_suite.CHECKS))
def test_head(case):
    check_head(**case)


@pytest.mark.parametrize("case", cases(LOSSES, loss_suite.CHECKS))
def test_loss(case):
    check_loss(**case)


@pytest.mark.parametrize("cls", public(*PACKAGES[:4]))
def test_everything_public_is_checked(cls):
    if not inspect.isclass(cls) or cls in OTHER_TARGETS | BASES:
        return
    assert cls in {**LAYERS, **HEADS, **LOSSES}, (
        f"{cls.__name__} needs a row in LAYERS, HEADS or LOSSES of this file"
    )


@pytest.mark.parametrize("thing", public(*PACKAGES, *FUNCTIONS))
def test_docstring_has_its_sections(thing):
    text = inspect.getdoc(thing) or ""
    takes = [
        p
        for p in inspect.signature(thing).parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    wanted = ["Example"]
    if takes:
        wanted.append("Args")
    if "testing" not in thing.__module__:
        wanted.append("Reference")
    missing = [s for s in wanted if f"{s}:\n" not in text]
    assert not missing, f"{thing.__name__}: no section {', '.join(missing)}"
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    "thing",
    [
        pytest.param(*thing.values, id=thing.id, marks=EXAMPLES)
        for thing in public(*PACKAGES, *FUNCTIONS)
    ],
)
def test_example_runs(thing):
    globs = {"keras": keras, "kh": kh, "math": math, "np": np}
    if thing.__module__.startswith("keras_hypersphere.testing"):
        globs[thing.__name__] = thing
    finder = doctest.DocTestFinder(recurse=False)
    [test] = finder.find(thing, thing.__name__, globs=globs)
    assert test.examples, f"{thing.__name__}: its example does not run"
    output = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=output.append)
    assert not result.failed, "".join(output)
