import dataclasses
import json

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.training.presets import (
    Presets,
    card_of,
    copy_preset,
)
from keras_hypersphere.zoo import FaceEmbedder
from tests.tools.training.patches import (
    CARD,
    SIZE,
    Patches,
    make_backbone,
    make_model,
)
from tests.tools.training.run_of_patches import train


def test_last_is_the_model(trained, patches):
    run, made = trained
    embedder = FaceEmbedder.from_preset(run / "last")
    crops = np.stack(patches.pixels[:6])
    x = (crops.astype("float32") - 127.5) / 128
    np.testing.assert_allclose(
        embedder.embed_aligned(crops),
        made["model"].backbone.predict(x, verbose=0),
        rtol=1e-5,
        atol=1e-5,
    )
    assert [path.name for path in sorted((run / "last").iterdir())] == [
        "card.json",
        "epoch-0003.keras",
    ]


def test_card_is_filled_in(trained):
    run, made = trained
    card = FaceEmbedder.from_preset(run / "best").card
    best = made["presets"].best_epoch
    aucs = made["model"].history.history["val_auc"]
    assert best == 1 + int(np.argmax(aucs))
    assert made["presets"].best_value == max(aucs)
    assert card.weights_file == f"epoch-{best:04d}.keras"
    assert card.notes.startswith(f"Epoch {best} of 3. Validation on 2 people")
    assert f"AUC {max(aucs):.5f}" in card.notes
    thresholds = made["model"].history.history["val_threshold"]
    assert card.threshold == pytest.approx(thresholds[best - 1])
    assert card.rates
    assert (card.dim, card.feature_layer) == (8, "embedding")
    assert card.input_shape == (*SIZE, 3)
    assert card.mean == (127.5,) * 3
    assert card.classes == 6
    assert card.training_data == "patches of color"
    assert len(card.golden_output) == 8
    assert card.weights_command == "keras-hypersphere train"


def test_threshold_decides(trained, patches):
    """Of held-out people it decides as the validation did."""
    run, _ = trained
    embedder = FaceEmbedder.from_preset(run / "best")
    crops = np.stack(patches.pixels)
    embeddings = embedder.embed_aligned(crops)
    right = [
        embedder.verify(embeddings[i], embeddings[j]).same
        == (patches.labels[i] == patches.labels[j])
        for i in range(0, 48, 5)
        for j in range(i + 1, 48, 3)
    ]
    assert np.mean(right) > 0.85
    assert embedder.verify(embeddings[0], embeddings[0]).same


def test_without_validation(tmp_path):
    train(tmp_path, 2, validate=False)
    for name in ("best", "last"):
        card = FaceEmbedder.from_preset(tmp_path / name).card
        assert card.weights_file == "epoch-0002.keras"
        assert card.threshold == 0
        assert card.rates == ()
        assert "without a validation" in card.notes
    embedder = FaceEmbedder.from_preset(tmp_path / "best")
    with pytest.raises(ValueError, match="threshold of patches is not known"):
        embedder.verify(np.ones(8), np.ones(8))
    assert not embedder.verify(np.ones(8), -np.ones(8), threshold=1.0).same


def of_crops(tmp_path, **options):
    """Presets of a network whose crops are those of a template."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((112, 96, 3))
    x = keras.layers.AveragePooling2D(16)(inputs)
    x = keras.layers.Dense(6, name="e")(keras.layers.Flatten()(x))
    backbone = keras.Model(inputs, x)
    presets = Presets(
        tmp_path / "run", backbone, {**CARD, "template": "sphereface"}
    )
    model = make_model()
    presets.set_model(model)
    presets.set_params({"epochs": 1})
    presets.on_epoch_end(0, {})
    return tmp_path / "run" / "best"


def test_commands_take_it(tmp_path, capsys):
    folder = of_crops(tmp_path)
    import cv2

    source = Patches((2, 2), size=(112, 96))
    for index, pixels in enumerate(source.pixels):
        path = tmp_path / "people" / f"p{index // 2}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), pixels[..., ::-1])
    out = tmp_path / "e.npz"
    words = ["embed", str(tmp_path / "people"), "-o", str(out), "--aligned"]
    assert main([*words, "--model", str(folder)]) == 0
    with np.load(out) as file:
        assert file["embeddings"].shape == (4, 6)
    photo = str(tmp_path / "people/p0/0.png")
    capsys.readouterr()
    assert main(["verify", photo, photo, "--model", str(folder)]) == 1
    # No threshold is told before a face is looked for.
    assert "threshold of patches is not known" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "dtype",
    ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)],
)
def test_mixed_precision_is_saved_in_float32(tmp_path, dtype):
    made = train(tmp_path, 1, dtype=dtype)
    embedder = FaceEmbedder.from_preset(tmp_path / "last")
    assert embedder.model.output.dtype == "float32"
    crops = np.stack(Patches().pixels[:2])
    x = (crops.astype("float32") - 127.5) / 128
    found = made["model"].backbone.predict(x, verbose=0).astype("float32")
    np.testing.assert_allclose(
        embedder.embed_aligned(crops), found, atol=0.03 * np.abs(found).max()
    )


@pytest.mark.slow
def test_averages_are_saved(tmp_path):
    """The end of `fit` writes them over the weights; we saved them before."""
    made = train(tmp_path, 2, use_ema=True, ema_momentum=0.7)
    saved = FaceEmbedder.from_preset(tmp_path / "last").model
    weights = made["model"].backbone.trainable_variables
    for one, other in zip(saved.trainable_variables, weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "values", "best"),
    [
        ("max", [0.5, np.nan, 0.7, 0.7, 0.6], [1, 1, 3, 3, 3]),
        ("min", [0.5, 0.6, 0.4], [1, 1, 3]),
    ],
)
def test_best(trained, tmp_path, mode, values, best):
    _, made = trained
    presets = Presets(
        tmp_path,
        made["model"].backbone,
        CARD,
        made["validation"],
        "own",
        mode,
    )
    presets.set_model(made["model"])
    found = []
    for epoch, value in enumerate(values):
        presets.on_epoch_end(epoch, {"own": value})
        found.append(presets.best_epoch)
        card = json.loads((tmp_path / "best/card.json").read_text())
        assert card["weights_file"] == f"epoch-{found[-1]:04d}.keras"
    assert found == best


def test_repeated_epoch_is_never_half(trained, tmp_path):
    """The model that a card names is there before the card, and after it."""
    run, _ = trained
    copy_preset(run / "last", tmp_path)
    first = FaceEmbedder.from_preset(tmp_path).card
    copy_preset(run / "last", tmp_path)
    second = FaceEmbedder.from_preset(tmp_path).card
    assert first.weights_file == "epoch-0003.keras"
    assert second.weights_file == "epoch-0003-again.keras"
    assert len(list(tmp_path.iterdir())) == 2
    copy_preset(run / "last", tmp_path)
    assert FaceEmbedder.from_preset(tmp_path).card == first


def test_fields_of_other_weights_are_left_out():
    fields = {**CARD, "threshold": 0.4, "published": ({"value": 1.0},)}
    card = card_of(make_backbone(), {**fields, "mean": 100, "scale": 1})
    assert card.threshold == 0
    assert card.published == ()
    assert card.mean == (100.0,) * 3
    assert dataclasses.asdict(card)["scale"] == 1.0


def test_wrong_fields(tmp_path):
    with pytest.raises(ValueError, match="`distance` of a card"):
        Presets(tmp_path, make_backbone(), {**CARD, "distance": "near"})
    with pytest.raises(ValueError, match="does not fit the card"):
        Presets(tmp_path, make_backbone(), {**CARD, "template": "arcface"})
    with pytest.raises(ValueError, match="`mode`"):
        Presets(tmp_path, make_backbone(), CARD, mode="auto")
