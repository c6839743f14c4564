"""`train`: a training of seconds, refused folders, stops and goes on."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from keras_hypersphere import recipes
from keras_hypersphere.callbacks.training_state import TrainingState
from keras_hypersphere.tools.cli import main
from keras_hypersphere.zoo import FaceEmbedder
from tests.tools.training.tiny import (
    make_people,
    make_preset,
    make_recipe,
)

STATE = "checkpoints/training-state.npz"


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """People, a recipe for a tiny network, and the words that train it."""
    folder = tmp_path_factory.mktemp("given")
    make_people(folder / "people")
    preset = make_preset(folder / "preset")
    make_recipe(folder / "tiny.json", preset)
    return folder


def words(given, run, *more):
    return [
        *("train", str(given / "people"), "-o", str(run), "--aligned"),
        *("--recipe", str(given / "tiny.json"), *more),
    ]


@pytest.fixture(scope="module")
def trained(given):
    """The folder of a training, and what was printed."""
    with pytest.MonkeyPatch.context() as patch:
        lines = []
        patch.setattr("builtins.print", lambda *a, **_: lines.append(a[0]))
        assert main(words(given, given / "run", "--json")) == 0
    return given / "run", lines


def state(run):
    read = TrainingState.read(run / STATE)
    return {
        name: value
        for name, value in read.arrays.items()
        if name.split("/")[0] in ("model", "optimizer", "seed")
    }


def assert_same_training(run, other):
    ours, wanted = state(run), state(other)
    assert set(ours) == set(wanted)
    for name in wanted:
        np.testing.assert_array_equal(ours[name], wanted[name], err_msg=name)


def test_it_learns_and_says_what_it_does(trained, given):
    run, lines = trained
    [found] = json.loads(lines[-1])["results"]
    said = "\n".join(lines)
    assert "recipe tiny: ArcFace" in said
    assert "in that recipe, not as published" in said
    assert "2 of 12 people are held out, a tenth" in said
    assert (
        "60 photos of 10 people, 4 times 15 photos an epoch, 3 epochs: 12 "
        in said
    )
    assert "epoch 3/3: loss" in said
    assert found["logs"]["accuracy"] > 0.5
    assert found["best"] == str(run / "best")


def test_a_run_holds_everything(trained, given):
    run, _ = trained
    assert recipes.get(run / "recipe.json") == recipes.get(given / "tiny.json")
    classes = json.loads((run / "classes.json").read_text())
    assert len(classes["classes"]) == 10
    assert len(classes["held_out"]) == 2
    assert not set(classes["classes"]) & set(classes["held_out"])
    rows = list(csv.DictReader((run / "log.csv").read_text().splitlines()))
    assert [float(row["epoch"]) for row in rows] == [1, 2, 3]
    assert all(float(row["val_auc"]) > 0 for row in rows)
    assert "<svg" in (run / "index.html").read_text()
    command = (run / "command.txt").read_text().strip()
    assert command == (
        f"keras-hypersphere train {given / 'people'} -o {run} --resume"
    )


def test_the_presets_embed(trained):
    run, _ = trained
    for name in ("best", "last"):
        embedder = FaceEmbedder.from_preset(run / name)
        assert embedder.card.threshold > 0
        assert embedder.card.name == "model.tiny"
        crops = np.zeros((2, 16, 16, 3), np.uint8)
        assert embedder.embed_aligned(crops).shape == (2, 8)


def test_a_folder_with_a_training_is_refused(trained, given, capsys):
    run, _ = trained
    before = state(run)
    assert main(words(given, run)) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == (
        f"error: '{run}' holds a training. Say --resume to go on with it, "
        "or another folder."
    )
    assert set(before) == set(state(run))


def test_a_folder_with_other_things_is_refused(given, tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("Dear …")
    assert main(words(given, tmp_path)) == 1
    assert "holds something else (letter.txt)" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["letter.txt"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--epochs", "9"], "was begun with epochs=None, and not with 9"),
        (["--validation", "none"], "validation=people, and not with none"),
        (["--head", "AdaFace"], "was begun with head=None"),
    ],
)
def test_other_words_than_before_are_refused(
    trained, given, more, said, capsys
):
    run, _ = trained
    assert main(words(given, run, "--resume", *more)) == 1
    assert said in capsys.readouterr().err


def test_a_training_that_is_done_is_done(trained, given, capsys):
    run, _ = trained
    before = (run / "log.csv").read_text()
    data = str(given / "people")
    assert main(["train", data, "-o", str(run), "--resume"]) == 0
    assert "all 3 epochs are done already" in capsys.readouterr().err
    assert (run / "log.csv").read_text() == before


def test_data_that_cannot_be_trained_on_leave_no_run(given, tmp_path, capsys):
    make_people(tmp_path / "one", people=1)
    make_recipe(tmp_path / "tiny.json", given / "preset")
    call = [
        *("train", str(tmp_path / "one"), "-o", str(tmp_path / "run")),
        *("--recipe", str(tmp_path / "tiny.json"), "--aligned"),
        *("--validation", "none"),
    ]
    assert main(call) == 1
    assert "has one person, 'person 00'" in capsys.readouterr().err
    assert not (tmp_path / "run" / "recipe.json").exists()
    # The same command again says the same, and not that a run is there.
    assert main(call) == 1
    assert "has one person" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["nowhere", "-o", "run"], "There is no 'nowhere'"),
        ([".", "-o", "run", "--validation", "x.bin"], "no file 'x.bin'"),
        ([".", "-o", "run", "--recipe", "x"], "`recipe` must be one of"),
    ],
)
def test_what_is_not_there(call, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *call]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_wrong_use(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", ".", "-o", "run", "--epochs", "0"])
    assert stop.value.code == 2
    assert "a whole number above 0" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_and_resume_are_the_unbroken_training(
    trained, given, tmp_path, monkeypatch, capsys
):
    """The interrupt comes within the second epoch."""
    from keras_hypersphere.tools.training import narration

    class Press(narration.Narration):
        def on_train_batch_begin(self, batch, logs=None):
            if self.progress.noun.endswith("2/3") and batch == 1:
                os.kill(os.getpid(), signal.SIGINT)

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(narration, "Narration", Press)
        assert main(words(given, run)) == 1
    assert "--resume` goes on" in capsys.readouterr().err
    assert main(words(given, run, "--resume")) == 0
    assert "goes on at epoch 2" in capsys.readouterr().err
    assert_same_training(run, trained[0])
    ours, wanted = (
        list(csv.DictReader((path / "log.csv").open()))
        for path in (run, trained[0])
    )
    for mine, other in zip(ours, wanted, strict=True):
        for name in ("epoch", "loss", "accuracy", "val_auc"):
            assert float(mine[name]) == pytest.approx(float(other[name]))


@pytest.mark.slow
def test_killed_again_and_again(trained, given, tmp_path):
    """`kill -9` at three moments; the weights are those of one run."""
    run = tmp_path / "run"
    call = [sys.executable, "-m", "keras_hypersphere"]
    for kill in range(3):
        process = subprocess.Popen(
            [*call, *words(given, run, *["--resume"] * bool(kill))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        before = checkpoint_time(run)
        end = time.monotonic() + 120
        while checkpoint_time(run) == before and time.monotonic() < end:
            if process.poll() is not None:
                break
            time.sleep(0.005)
        time.sleep(0.02 * kill)
        process.send_signal(signal.SIGKILL)
        process.wait()
    resumed = words(given, run, "--resume")
    subprocess.run([*call, *resumed], check=True)
    assert_same_training(run, trained[0])


def checkpoint_time(run):
    path = run / STATE
    return path.stat().st_mtime_ns if path.exists() else None


@pytest.mark.slow
@pytest.mark.parametrize("name", recipes.list())
def test_each_recipe_takes_a_few_steps(name, given, tmp_path, capsys):
    """On crops of its own size, with its own network, two batches."""
    recipe = recipes.get(name)
    height, width = recipe.image_size
    folder = tmp_path / "people"
    draw = np.random.default_rng(0)
    import cv2

    for person in range(5):
        (folder / str(person)).mkdir(parents=True)
        for photo in range(2):
            image = draw.integers(0, 256, (height, width, 3), np.uint8)
            cv2.imwrite(str(folder / str(person) / f"{photo}.png"), image)
    more = []
    if recipe.fine_tunes:
        path = make_soft_preset(tmp_path / "soft", recipe)
        more = ["--backbone", str(path)]
    call = [
        *("train", str(folder), "-o", str(tmp_path / "run"), "--aligned"),
        *("--recipe", name, "--epochs", "1", "--batch-size", "4", "--json"),
        *("--validation", "none", *more),
    ]
    assert main(call) == 0
    found = json.loads(capsys.readouterr().out)["results"][0]["logs"]
    assert np.isfinite(found["loss"])
    assert FaceEmbedder.from_preset(tmp_path / "run" / "last").card.dim > 100
    keras.backend.clear_session()


def make_soft_preset(folder, recipe):
    """A network of the recipe's size, as a softmax training leaves it."""
    from keras_hypersphere.tools.training.presets import card_of

    inputs = keras.Input((*recipe.image_size, 3))
    x = keras.layers.AveragePooling2D(8)(inputs)
    x = keras.layers.Dense(128, name="fc5")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, x)
    fields = {"template": recipe.template, "channels": recipe.channels}
    FaceEmbedder(model, card_of(model, fields)).save_to_preset(folder)
    return folder
