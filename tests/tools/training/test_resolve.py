"""What a command makes of a recipe, and what it says about it."""

import json

import keras
import pytest

from keras_hypersphere import recipes
from keras_hypersphere.tools.training.backbones import (
    find_backbone,
    make_backbone,
    zoo_networks,
)
from keras_hypersphere.tools.training.resolve import resolve
from tests.tools.training.tiny import SIDE, make_preset, make_recipe


def test_a_recipe_as_it_is():
    resolved = resolve("cosface")
    assert resolved.recipe == recipes.get("cosface")
    assert resolved.told == []


def test_the_default_is_arcface_on_this_machine():
    resolved = resolve()
    assert resolved.recipe.name == "arcface"
    assert resolved.recipe.precision in ("float32", "mixed_bfloat16")
    assert "precision" in resolved.told[-1]


def test_batch_and_epochs_are_told_and_scaled():
    resolved = resolve("cosface", epochs=5, batch_size=64)
    made = resolved.recipe
    assert (made.epochs, made.batch_size) == (5, 64)
    assert made.learning_rate == pytest.approx(0.025)
    assert made.schedule["epochs"] == [2.6667, 4.0, 4.6667]
    said = " ".join(resolved.told)
    assert "0.025 at 64 photos a batch, in proportion to 0.1 at 256" in said
    assert "5, for 15" in said


def test_resolving_again_changes_nothing(tmp_path):
    made = resolve("arcface", "SphereFace4", "CosineDense", 3, 32).recipe
    made.save(tmp_path / "recipe.json")
    again = resolve(str(tmp_path / "recipe.json"))
    assert again.recipe == made
    assert again.told == []


def test_balanced_batches_keep_photos_and_change_people():
    made = resolve("facenet", batch_size=30).recipe
    assert (made.people_per_batch, made.photos_per_person) == (7, 4)
    assert made.batch_size == 28
    assert made.learning_rate == pytest.approx(0.05 * 28 / 128)


def test_another_head_has_its_own_defaults():
    made = resolve("facenet", head="ArcFace").recipe
    assert (made.head, made.head_arguments, made.loss) == ("ArcFace", {}, None)


@pytest.mark.parametrize(
    ("name", "size", "channels", "template"),
    [
        ("SphereFace4", (112, 96), "BGR", "sphereface"),
        ("LightCNN9", (128, 128), "gray", "lightcnn"),
        ("FaceNetNN4", (160, 160), "RGB", "facenet"),
        ("DlibResNet", (150, 150), "RGB", "dlib"),
        ("MobileNetV2", (112, 112), "RGB", "arcface"),
        ("sface", (112, 112), "RGB", "arcface"),
    ],
)
def test_a_backbone_brings_its_input(name, size, channels, template):
    resolved = resolve("arcface", backbone=name)
    made = resolved.recipe
    assert (made.image_size, made.channels) == (size, channels)
    assert made.template == template
    assert template in resolved.told[0]


def test_all_networks_of_faces_are_known():
    assert "LeNetPlusPlus" not in zoo_networks()
    for name in zoo_networks():
        assert resolve(backbone=name).recipe.backbone == name


def test_a_preset_is_fine_tuned_slowly_and_its_head_is_not():
    resolved = resolve("arcface", backbone="sface")
    made = resolved.recipe
    assert made.learning_rate == pytest.approx(0.001)
    assert made.rate_multipliers == {"head/*": 100.0}
    assert made.fine_tunes
    assert "a hundredth" in " ".join(resolved.told)
    # As published for fine-tuning.
    assert resolve("normface", backbone="sface").recipe.learning_rate == 1e-3


@pytest.mark.parametrize("backbone", [None, "SphereFace4", "MobileNetV2"])
def test_normface_needs_a_trained_network(backbone):
    with pytest.raises(ValueError, match="goes on from a trained network"):
        resolve("normface", backbone=backbone)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"recipe": "arkface"}, "`recipe` must be one of"),
        ({"backbone": "SphereFace5"}, "no backbone 'SphereFace5'.*SphereFac"),
        ({"backbone": "LeNetPlusPlus"}, "no backbone"),
    ],
)
def test_unknown_names(arguments, said):
    with pytest.raises(ValueError, match=said):
        resolve(**arguments)


def test_a_preset_in_a_folder(tmp_path):
    preset = make_preset(tmp_path / "preset")
    found = find_backbone(str(preset))
    assert found.trained
    assert found.input["image_size"] == (SIDE, SIDE)
    recipe = recipes.get(make_recipe(tmp_path / "r.json", preset))
    model = make_backbone(recipe)
    assert model.trainable
    assert model.output_shape == (None, 8)
    data = json.loads((tmp_path / "r.json").read_text())
    data["image_size"] = [20, 20]
    (tmp_path / "r.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=r"takes \(16, 16, 3\)"):
        make_backbone(recipes.get(tmp_path / "r.json"))


@pytest.mark.parametrize("name", ["MobileNetV3Small", "MobileNet"])
def test_networks_of_keras_get_an_embedding(name):
    model = make_backbone(resolve(backbone=name).recipe)
    assert model.input_shape == (None, 112, 112, 3)
    assert model.output_shape == (None, 512)
    rescaling = keras.layers.Rescaling
    assert not any(isinstance(layer, rescaling) for layer in model.layers)
