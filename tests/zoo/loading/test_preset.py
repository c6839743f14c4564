"""Presets by name and in folders, and networks by their cards."""

import dataclasses
import hashlib
import json
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading.card_model import build
from keras_hypersphere.zoo.loading.preset import load_preset, save_preset
from keras_hypersphere.zoo.loading.weights import write_arrays
from tests.zoo.loading.small_preset import (
    card,
    embed,
    lambda_network,
    network,
    write_preset,
)

UNFINISHED = ("sphereface20", "lightcnn-b.normface")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "models" / "keras_hypersphere"


def test_a_folder_round_trip(tmp_path):
    expected = write_preset(tmp_path / "a")
    model, found = load_preset(tmp_path / "a")
    np.testing.assert_allclose(embed(model), expected, rtol=1e-6)
    assert found.finished and found.weights_url == ""
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "card.json",
        "model.keras",
    ]


def test_weights_alone_beside_the_card(tmp_path):
    """The other kind of file: the network is built from the card."""
    model = network(3)
    write_arrays(
        tmp_path / "w.npz",
        {v.path: keras.ops.convert_to_numpy(v) for v in model.weights},
    )
    data = (tmp_path / "w.npz").read_bytes()
    card(
        weights_file="w.npz",
        weights_bytes=len(data),
        weights_sha256=hashlib.sha256(data).hexdigest(),
    ).save(tmp_path / "card.json")
    loaded, _ = load_preset(tmp_path)
    np.testing.assert_array_equal(embed(loaded), embed(model))


@pytest.mark.parametrize("name", UNFINISHED)
def test_unfinished_cards_say_what_to_do(name):
    with pytest.raises(FileNotFoundError) as caught:
        load_preset(name)
    text, wanted = str(caught.value), get_card(name)
    for word in (
        wanted.licence,
        wanted.licence_url,
        wanted.source_file,
        wanted.source_url,
        wanted.weights_command,
    ):
        assert word in text
    assert "\n" not in text
    function = getattr(zoo, wanted.architecture)
    with pytest.raises(FileNotFoundError, match="convert it once: keras-hyp"):
        function(weights=name)


def test_finished_in_the_cache(cache):
    """A preset of the same name as an unfinished card of the zoo."""
    expected = write_preset(cache, name="sphereface20", architecture="Any")
    (cache / "card.json").rename(cache / "sphereface20.json")
    model, found = load_preset("sphereface20")
    assert found.name == "sphereface20"
    np.testing.assert_allclose(embed(model), expected, rtol=1e-6)
    (cache / "model.keras").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"are missing: no 'model\.keras"
    ):
        load_preset("sphereface20")


@pytest.mark.parametrize("architecture", ["Nope", "get_card", "Card", "images"])
def test_unknown_architectures(architecture):
    with pytest.raises(ValueError, match=r"are: .*SphereFace20") as caught:
        build(card(architecture=architecture))
    assert f"small names the architecture '{architecture}'" in str(caught.value)


def test_arguments_of_the_architecture():
    wide = card(
        architecture="SphereFace64",
        arguments={"variant": "caffe"},
        input_shape=[32, 32, 3],
        channels="BGR",
        mean=[0.0] * 3,
    )
    named = [layer.name for layer in build(wide).layers]
    layers = [x for x in named if x.startswith("conv2_") and "pad" not in x]
    assert len(layers) == 15
    with pytest.raises(ValueError, match=r"not fit SphereFace64: .*'depth'"):
        build(dataclasses.replace(wide, arguments={"depth": 3}))


def test_files_cannot_run_code(tmp_path):
    """The hash is right, and the card comes with the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write_preset(tmp_path, model=lambda_network())
    with pytest.raises(
        ValueError, match=r"model\.keras' cannot be loaded"
    ) as e:
        load_preset(tmp_path)
    assert "\n" not in str(e.value) and "ambda" in str(e.value)
    # Nor as weights of a network.
    with pytest.raises(ValueError, match=r"does not hold the weights"):
        zoo.LeNetPlusPlus(width=1 / 8, weights=tmp_path / "model.keras")


def known_card(golden):
    """A card that knows the weights."""
    return dataclasses.replace(card(), golden_output=tuple(map(float, golden)))


def test_what_was_known_of_the_weights_stays_with_them(tmp_path):
    model = network()
    golden = embed(model)
    known = known_card(golden)
    saved = save_preset(model, known, golden, tmp_path)
    for field in ("threshold", "measured", "published", "source", "notes"):
        assert getattr(saved, field) == getattr(known, field)
    assert saved.source_identified and saved.threshold > 0


def test_a_network_that_was_trained_on(tmp_path):
    model = network()
    golden = embed(model)
    moved = golden + 0.01 * np.ptp(golden)
    saved = save_preset(model, known_card(golden), moved, tmp_path)
    assert saved.finished and saved.threshold == 0 and saved.notes == ""
    assert not (saved.measured or saved.published or saved.source_sha256)
    assert saved.source.startswith("fine-tuned from small, dlib_face_rec")
    assert not saved.source_identified and saved.licence == card().licence
    written = json.loads((tmp_path / "card.json").read_text())
    np.testing.assert_allclose(written["golden_output"], moved, rtol=1e-6)
    # Trained on once more.
    again = save_preset(model, saved, golden, tmp_path)
    assert again.source == saved.source and again.finished


def test_what_is_known_of_a_network_that_was_trained_on(tmp_path):
    model = network()
    result = {"protocol": "mine", "value": 0.9, "std": 0.0}
    result |= {"command": "none", "date": "2026-01-01"}
    tuned = card().fine_tuned(threshold=0.3, measured=[result], name="mine")
    saved = save_preset(model, tuned, embed(model), tmp_path)
    assert saved.threshold == 0.3 and saved.measured == (result,)
    assert saved.name == "mine" and saved.parameters == model.count_params()


def test_an_embedding_of_equal_numbers(tmp_path):
    model = network()
    zeros = np.zeros_like(embed(model))
    known = known_card(zeros)
    assert save_preset(model, known, zeros, tmp_path).threshold > 0
    assert save_preset(model, known, zeros + 1, tmp_path).threshold == 0
    with pytest.raises(ValueError, match="finite numbers"):
        save_preset(model, known, zeros + np.nan, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "card.json",
        "model.keras",
    ]


@pytest.mark.usefixtures("miniatures")
def test_a_folder_that_is_named_as_a_model(tmp_path, monkeypatch):
    """The zoo's comes first; so nobody may think that it is theirs."""
    monkeypatch.chdir(tmp_path)
    model = network()
    for folder in ("dlib-resnet", Path("dlib-resnet")):
        with pytest.raises(ValueError, match=r"or write '\./dlib-resnet'"):
            save_preset(model, card(), embed(model), folder)
    assert not Path("dlib-resnet").exists()
    write_preset("./sphereface4.miniature")
    for folder in ("./sphereface4.miniature", Path("sphereface4.miniature")):
        assert load_preset(folder)[1].name == "small"
    with pytest.warns(UserWarning, match="is a model of the zoo and a folder"):
        found = load_preset("sphereface4.miniature")[1]
    assert found.name == "sphereface4.miniature"


def test_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_preset("~/mine")
    assert (tmp_path / "mine" / "card.json").is_file()
    assert load_preset("~/mine")[1].name == "small"


@pytest.mark.parametrize("value", [None, 3, "", True])
def test_what_is_no_path(value):
    with pytest.raises(ValueError, match="`preset` must be the name"):
        load_preset(value)
    model = network()
    with pytest.raises(ValueError, match="`folder` must be a path"):
        save_preset(model, card(), embed(model), value)


def test_nothing_of_that_name(tmp_path):
    with pytest.raises(ValueError, match="There is no model 'nope'"):
        load_preset("nope")
    with pytest.raises(FileNotFoundError, match=r"There is no folder.*hf://"):
        load_preset(tmp_path / "nope")
    with pytest.raises(FileNotFoundError, match="There is no card"):
        load_preset(tmp_path)


@pytest.mark.usefixtures("miniatures")
@pytest.mark.parametrize(
    "policy",
    [pytest.param("mixed_bfloat16", marks=pytest.mark.slow), "mixed_float16"],
)
def test_a_half_policy_does_not_move_embeddings(policy):
    wanted, _ = load_preset("dlib-resnet.miniature")
    keras.config.set_dtype_policy(policy)
    try:
        model, _ = load_preset("dlib-resnet.miniature")
        assert keras.config.dtype_policy().name == policy
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.compute_dtype == "float32"
    x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:]))
    x = x.astype("float32")
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), wanted.predict(x, verbose=0)
    )
