"""Loading, preprocessing and embedding of each family, by its miniature."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.zoo import FaceEmbedder
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.cards.registry import CARDS
from keras_hypersphere.zoo.loading.card_model import is_backbone
from keras_hypersphere.zoo.loading.preset import moved
from keras_hypersphere.zoo.loading.weights import write_arrays
from tests.miniatures.load import load_miniature
from tests.miniatures.miniature import FOLDER, MINIATURES
from tests.miniatures.seeded_weights import seeded_weights

NAMES = [miniature.name for miniature in MINIATURES]
# Of the golden output's range: rounding of any backend, and what is seen.
EQUAL = 1e-5
VISIBLE = 1e-2


@pytest.fixture(scope="module", params=NAMES)
def embedder(request):
    return load_miniature(request.param)


def test_golden_output(embedder):
    y = embedder.embed_aligned(golden_crop(embedder.card))
    assert moved(y, embedder.card) < EQUAL


def changes(card):
    """Mistakes that a card or a user of it can make."""
    swapped = {"RGB": "BGR", "BGR": "RGB"}
    if card.channels in swapped:
        yield "channels", swapped[card.channels]
    yield "mean", tuple(value + 8 for value in card.mean)
    yield "scale", card.scale * 1.1
    flips = {"none": ("sum", "max"), "sum": ("none", "max")}
    for flip in flips.get(card.flip, ()):
        yield "flip", flip


def test_golden_output_sees_mistakes(embedder):
    card, crop = embedder.card, golden_crop(embedder.card)
    for field, value in changes(card):
        wrong = dataclasses.replace(card, **{field: value})
        y = FaceEmbedder(embedder.model, wrong).embed_aligned(crop)
        assert moved(y, card) > VISIBLE, (field, value)
    wrong = {
        # What is left to swap where channels become gray.
        "channels": crop[..., ::-1],
        "upside down": np.rot90(crop, 2),
        "dark": crop // 2,
    }
    if card.flip in ("none", "concat"):
        wrong["mirrored"] = crop[:, ::-1]
    for mistake, pixels in wrong.items():
        y = embedder.embed_aligned(np.ascontiguousarray(pixels))
        assert moved(y, card) > VISIBLE, mistake


@pytest.mark.slow
def test_preset_folder(embedder, tmp_path):
    card = embedder.save_to_preset(tmp_path)
    again = FaceEmbedder.from_preset(tmp_path)
    assert again.card == card == Card.load(tmp_path / "card.json")
    given = {"weights_", "storage_", "golden_"}
    for name, value in embedder.card.as_dict().items():
        if not any(name.startswith(start) for start in given):
            assert card.as_dict()[name] == value, name
    # A network of the same configuration and weights computes the same;
    # compiling it again would take as long as all the rest.
    assert again.model.to_json() == embedder.model.to_json()
    pairs = zip(embedder.model.weights, again.model.weights, strict=True)
    for before, after in pairs:
        assert before.path == after.path
        np.testing.assert_array_equal(numbers(before), numbers(after))


def numbers(weight):
    return keras.ops.convert_to_numpy(weight.value)


def test_card(embedder):
    card, model = embedder.card, embedder.model
    assert card.name == f"{card.weights_file.removesuffix('.npz')}"
    assert card.arguments["width"] < 1 and card.threshold == 0.0
    assert "random weights" in card.description
    assert "knows no faces" in card.description
    assert not card.published and not card.measured
    assert card.parameters == model.count_params()
    last = model.get_layer(card.feature_layer)
    assert last.output is model.output
    assert card.dim == model.output_shape[-1] * (1 + (card.flip == "concat"))


def test_weights_are_made_again(embedder, tmp_path):
    """Here as on every machine: the same bytes."""
    name, model = embedder.card.name, embedder.model
    [miniature] = [x for x in MINIATURES if x.name == name]
    path = tmp_path / f"{name}.npz"
    for seed, same in ((miniature.seed, True), (miniature.seed + 1, False)):
        write_arrays(path, seeded_weights(model, seed, miniature.gain))
        equal = path.read_bytes() == (FOLDER / path.name).read_bytes()
        assert equal is same


def backbones():
    """Every function of the zoo that builds a network."""
    found = {name: getattr(zoo, name) for name in zoo.__all__}
    return {name: f for name, f in found.items() if is_backbone(f)}


def family(function):
    """The file where functions of one kind live."""
    return function.__module__


def test_every_family_has_a_miniature():
    functions = backbones()
    assert {"DlibResNet", "SphereFace20", "FaceNetNN3"} <= set(functions)
    cards = [Card.load(path) for path in FOLDER.glob("*.json")]
    assert sorted(NAMES) == sorted(card.name for card in cards)
    # What has weights in the package needs no other network.
    cards += [zoo.get_card("sface")]
    covered = {family(functions[card.architecture]) for card in cards}
    lacking = [n for n, f in functions.items() if family(f) not in covered]
    assert not lacking, "tests/miniatures/miniature.py lacks their families"


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("sphereface4", "sphereface20"),
        ("centerface", "centerface"),
        ("lightcnn-a", "lightcnn-a"),
        ("lightcnn-b", "lightcnn-b"),
        ("dlib-resnet", "dlib-resnet"),
    ],
)
def test_used_as_the_real_network(name, real):
    """Where the zoo has a card of it."""
    small = Card.load(FOLDER / f"{name}.miniature.json")
    card = Card.load(CARDS / f"{real}.json")
    for field in (
        "input_shape",
        "channels",
        "mean",
        "scale",
        "template",
        "flip",
        "feature_layer",
        "distance",
    ):
        assert getattr(small, field) == getattr(card, field), field
