"""Recipes: what is published, what a file may say, and what it may not."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere import layers
from keras_hypersphere.zoo.alignment import TEMPLATES

WANTED = {
    *("sphereface", "normface", "centerface", "facenet", "cosface"),
    *("arcface", "adaface", "magface", "curricularface", "elasticface"),
    *("sphereface2", "subcenter"),
}
# Of the papers and of the authors' code: rate, batch, decay, epochs, drops.
PUBLISHED = {
    "sphereface": (0.1, 256, 5e-4, 14, [8, 12]),
    "normface": (1e-3, 256, 5e-4, 3, None),
    "centerface": (0.1, 256, 5e-4, 14, [8, 12]),
    "facenet": (0.05, 128, 0.0, 50, None),
    "cosface": (0.1, 256, 5e-4, 15, [8, 12, 14]),
    "arcface": (0.1, 1024, 5e-4, 20, None),
    "adaface": (0.1, 512, 5e-4, 26, [12, 20, 24]),
    "magface": (0.1, 512, 5e-4, 25, [10, 18, 22]),
    "curricularface": (0.1, 512, 5e-4, 24, [10, 18, 22]),
    "elasticface": (0.1, 512, 5e-4, 26, [8, 14, 20, 25]),
    "sphereface2": (0.1, 512, 5e-4, 24, [8, 14, 20]),
    "subcenter": (0.1, 1024, 5e-4, 20, None),
}
HEADS = {
    "sphereface": ("ASoftmax", {"margin": 4}),
    "normface": ("CosineDense", {"scale": 10.0, "learn_scale": True}),
    "cosface": ("AMSoftmax", {"margin": 0.35, "scale": 30.0}),
    "arcface": ("ArcFace", {"margin": 0.5, "scale": 64.0}),
    "adaface": ("AdaFace", {"margin": 0.4, "concentration": 0.333}),
    "magface": ("MagFace", {"regularization": 35.0}),
    "curricularface": ("CurricularFace", {"margin": 0.5, "momentum": 0.01}),
    "elasticface": ("ElasticFace", {"deviation": 0.05, "kind": "arc"}),
    "sphereface2": ("SphereFace2", {"margin": 0.5, "balance": 0.8}),
    "subcenter": ("SubCenterArcFace", {"subcenters": 3}),
}


def test_all_are_here():
    assert set(kh.recipes.list()) >= WANTED
    assert set(PUBLISHED) == WANTED


@pytest.mark.parametrize("name", kh.recipes.list())
def test_every_recipe_is_whole(name, tmp_path):
    recipe = kh.recipes.get(name)
    assert recipe.name == name
    assert "http" in recipe.source or "ECCV" in recipe.source
    assert recipe.changed
    assert hasattr(kh.zoo, recipe.backbone)
    assert TEMPLATES[recipe.template].size == recipe.image_size
    assert recipe.augmentation in kh.augmentation.list()
    recipe.save(tmp_path / "mine.json")
    assert kh.recipes.get(tmp_path / "mine.json") == recipe
    assert kh.recipes.get(str(tmp_path / "mine.json")) == recipe
    if recipe.loss is None:
        head = recipe.make_head(7)
        last = head[-1] if isinstance(head, list) else head
        assert last.units == 7
        assert recipe.make_loss() is None
    else:
        assert isinstance(recipe.make_loss(), keras.losses.Loss)
        with pytest.raises(ValueError, match="has no head"):
            recipe.make_head(7)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_numbers_are_those_of_the_authors(name):
    rate, batch, decay, epochs, drops = PUBLISHED[name]
    recipe = kh.recipes.get(name)
    assert (recipe.learning_rate, recipe.batch_size) == (rate, batch)
    assert (recipe.weight_decay, recipe.epochs) == (decay, epochs)
    assert recipe.schedule.get("epochs") == drops
    if name in HEADS:
        head, arguments = HEADS[name]
        assert recipe.head == head
        assert arguments.items() <= recipe.head_arguments.items()
        made = recipe.make_head(5)
        assert isinstance(made, getattr(layers, head))
        for argument, value in arguments.items():
            assert getattr(made, argument) == value


def test_names_need_no_keras():
    code = (
        "import sys, keras_hypersphere as kh; "
        "[kh.recipes.get(name) for name in kh.recipes.list()]; "
        "sys.exit('keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_annealing_is_an_object():
    head = kh.recipes.get("sphereface").make_head(3)
    assert round(head.annealing(1), 3) == 892.857


def changed(**fields):
    return {**kh.recipes.get("cosface").to_dict(), **fields}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"learning_rat": 1}, "`learning_rat` is no field.*`learning_rate`"),
        ({"learning_rate": "0.1"}, "`learning_rate`.*a finite number"),
        ({"learning_rate": -0.1}, "`learning_rate`.*greater than 0"),
        ({"batch_size": 1.5}, "`batch_size`.*a whole number"),
        ({"epochs": 0}, "`epochs`.*greater than 0"),
        ({"warmup_epochs": 15}, "`warmup_epochs`.*fewer than the 15"),
        ({"schedule": {"kind": "step"}}, "of a kind, one of constant"),
        ({"schedule": {"kind": "cosine", "power": 1}}, "nothing else"),
        ({"schedule": {"kind": "polynomial", "power": 0}}, "power above 0"),
        (
            {"schedule": {"kind": "multistep", "epochs": [9, 8], "factor": 1}},
            "growing epochs",
        ),
        (
            {"schedule": {"kind": "multistep", "epochs": [16], "factor": 0.1}},
            "up to 15",
        ),
        ({"head": None}, "a `head`, or a `loss`"),
        ({"loss": "TripletLoss"}, "a `head`, or a `loss`"),
        ({"head": ["CenterLoss", "Dense"]}, "an object for each head"),
        ({"people_per_batch": 4}, "go together"),
        ({"precision": "half"}, "`precision`.*one of float32"),
        ({"channels": "gray"}, "`mean`.*1 numbers"),
        ({"mean": [1.0]}, "`mean`.*3 numbers"),
        ({"scale": 0}, "`scale`"),
        ({"ema": 1.0}, "`ema`.*between 0 and 1"),
        ({"clip_norm": 0}, "`clip_norm`.*greater than 0"),
        ({"rate_multipliers": {"bias": "2"}}, "`rate_multipliers`.*numbers"),
        ({"optimizer": "SGD"}, "needs the optimizer CaffeSGD"),
        ({"image_size": [112]}, r"`image_size`.*\(height, width\)"),
    ],
)
def test_what_is_wrong_is_named(fields, said, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(changed(**fields)))
    with pytest.raises(ValueError, match=said) as error:
        kh.recipes.get(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_no_recipe(tmp_path):
    with pytest.raises(ValueError, match="one of adaface, arcface"):
        kh.recipes.get("arcfac")
    with pytest.raises(FileNotFoundError, match=r"no recipe 'mine\.json'"):
        kh.recipes.get("mine.json")
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(ValueError, match="a JSON object was expected"):
        kh.recipes.get(tmp_path / "a.json")
    (tmp_path / "b.json").write_text('{"name": "b"}')
    with pytest.raises(ValueError, match="lacks source, backbone"):
        kh.recipes.get(tmp_path / "b.json")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"head": "ArkFace"}, "`head` must be one of .*ArcFace"),
        ({"head": "Maxout"}, "`head` must be one of"),
        ({"head_arguments": {"margn": 1}}, "do not fit AMSoftmax: .*margn"),
    ],
)
def test_wrong_heads_are_told(fields, said):
    recipe = dataclasses.replace(kh.recipes.get("cosface"), **fields)
    with pytest.raises(ValueError, match=said):
        recipe.make_head(3)


def test_wrong_losses_and_optimizers_are_told():
    recipe = kh.recipes.get("facenet")
    wrong = dataclasses.replace(recipe, loss="Triplet")
    with pytest.raises(ValueError, match="`loss` must be one of"):
        wrong.make_loss()
    wrong = dataclasses.replace(recipe, optimizer="Adagrat")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="`optimizer` of a recipe"):
        wrong.make_optimizer(model, 3)
    wrong = dataclasses.replace(recipe, optimizer_arguments={"momentun": 1})
    with pytest.raises(ValueError, match="do not fit Adagrad"):
        wrong.make_optimizer(model, 3)


def test_batches_take_what_it_says():
    given = kh.recipes.get("facenet").batches()
    assert (given["people"], given["photos"]) == (32, 4)
    assert kh.recipes.get("cosface").batches()["people"] is None
    assert np.allclose(given["mean"], 127.5)
