import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.data.face_batches import FaceBatches
from tests.keras_hypersphere.data.people import people, picture

SIZE = (16, 14)


def batches_of(source, batch_size=4, **options):
    return FaceBatches(source, batch_size, SIZE, **options)


def test_pixels_are_those_of_the_statement(tmp_path):
    source = people(tmp_path)
    batches = batches_of(
        source, mean=(10.0, 20.0, 30.0), scale=0.5, augmentation=None
    )
    for index in range(len(batches)):
        x, y = batches[index]
        assert x.dtype == np.float32 and y.dtype == np.int32
        for image, label, photo in zip(
            x, y, batches.indices(0, index), strict=True
        ):
            who, which = source.names[photo].split("/")
            assert label == int(who[1:])
            pixels = picture(label, int(which[0])).astype(np.float64)
            np.testing.assert_array_equal(image, (pixels - [10, 20, 30]) * 0.5)


def test_every_photo_once_an_epoch_in_another_order(tmp_path):
    source = people(tmp_path)
    batches = batches_of(source, 2)
    assert len(batches) == 6 and batches.num_photos == 13
    orders = []
    for epoch in range(40):
        order = np.concatenate([batches.indices(epoch, i) for i in range(6)])
        assert len(set(order.tolist())) == 12
        orders.append(tuple(order.tolist()))
    assert len(set(orders)) == 40
    # The one that is left over is another each time.
    left = [set(range(13)).difference(order).pop() for order in orders]
    assert len(set(left)) > 8
    assert batches_of(source, 99)[0][0].shape == (13, *SIZE, 3)


def test_a_function_of_seed_epoch_and_place(tmp_path):
    source = people(tmp_path)
    one = batches_of(source, augmentation="adaface", seed=7)
    wanted = {}
    for epoch in range(3):
        one.epoch = epoch
        for index in range(len(one)):
            wanted[epoch, index] = one[index]
    other = batches_of(source, augmentation="adaface", seed=7, workers=4)
    seen = {}

    # As `fit` asks: in order, by threads, ahead.
    follow = other.follow()
    follow.set_params({"steps": len(other)})
    follow.on_train_begin()
    for epoch in range(3):
        follow.on_epoch_begin(epoch)
        other.on_epoch_begin()
        for index in range(len(other)):
            seen[epoch, index] = other[index]
        other.on_epoch_end()
    follow.on_train_end()
    for key, (x, y) in wanted.items():
        np.testing.assert_array_equal(x, seen[key][0])
        np.testing.assert_array_equal(y, seen[key][1])
    # Not the same in another epoch, or with another seed.
    assert not np.array_equal(wanted[0, 0][0], wanted[1, 0][0])
    third = batches_of(source, augmentation="adaface", seed=8)
    assert not np.array_equal(wanted[0, 0][0], third[0][0])


@pytest.mark.parametrize("options", [{}, {"people": 3, "photos": 2}])
def test_parts_of_processes_are_the_whole(options, tmp_path):
    source = people(tmp_path)
    options |= {"augmentation": "adaface", "seed": 3}
    whole = batches_of(source, 6, **options)
    parts = [batches_of(source, 6, **options, part=(i, 3)) for i in range(3)]
    assert all(part.batch_size == 6 for part in parts)
    for index in range(len(whole)):
        x, y = whole[index]
        pieces = [part[index] for part in parts]
        assert [piece[0].shape for piece in pieces] == [(2, *SIZE, 3)] * 3
        np.testing.assert_array_equal(np.concatenate([p[0] for p in pieces]), x)
        np.testing.assert_array_equal(np.concatenate([p[1] for p in pieces]), y)


def test_photos_of_some_people(tmp_path):
    source = people(tmp_path)
    photos = np.flatnonzero(np.isin(source.labels, [1, 3]))
    batches = batches_of(source, 2, indices=photos[::-1])
    assert batches.class_names == ["p1", "p3"] and batches.classes == 2
    assert sorted(batches.labels.tolist()) == [0, 0, 0, 0, 1]
    for index in range(len(batches)):
        _, y = batches[index]
        numbers = batches.indices(0, index)
        assert [f"p{source.labels[n]}" for n in numbers] == [
            batches.class_names[label] for label in y
        ]


def test_people_times_photos(tmp_path):
    source = people(tmp_path)
    batches = batches_of(source, people=2, photos=3)
    wanted = kh.data.BalancedBatches(source.labels, 2, 3, seed=0)
    assert batches.batch_size == wanted.batch_size == 6
    assert len(batches) == len(wanted)
    for epoch in range(3):
        for index in range(len(batches)):
            np.testing.assert_array_equal(
                batches.indices(epoch, index), wanted.indices(epoch, index)
            )
    _, y = batches[0]
    assert np.unique(y, return_counts=True)[1].tolist() == [3, 3]


def test_fit_mirrors_half(tmp_path):
    """What a model is given is what the plan says, mirrored or not."""
    source = people(tmp_path, (40, 40))
    batches = batches_of(source, 20)
    plain = kh.data.load_faces(source, image_size=SIZE)
    mirrored = 0
    for index in range(len(batches)):
        x, _ = batches[index]
        for image, photo in zip(x, batches.indices(0, index), strict=True):
            same = np.array_equal(image, plain[photo])
            assert same or np.array_equal(image, plain[photo, :, ::-1])
            mirrored += not same
    # Binomial, 80 of one half: four deviations are 18.
    assert abs(mirrored - 40) < 18


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"people": 2}, "`people` and `photos` go together"),
        ({"augmentation": "all"}, "`augmentation` must be one of none"),
        ({"channels": "HSV"}, "`channels` must be one of"),
        ({"mean": float("nan")}, "`mean` must be finite"),
        ({"scale": float("inf")}, "`scale` must be finite"),
        ({"mean": (1, 2)}, "`mean` must be 1 or 3 numbers"),
        ({"indices": [99]}, "`indices` must be numbers of photos"),
        ({"indices": []}, "`indices` must be numbers of photos"),
        ({"seed": -1}, "`seed` must be"),
        ({"batch_size": 0}, "`batch_size` must be"),
        ({"part": (2, 2)}, r"`part` must be .*\(2, 2\)"),
        ({"part": 1}, "`part` must be .*part=1"),
        ({"part": (0, 3)}, "a multiple of 3 photos.*batch_size=4"),
    ],
)
def test_arguments(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        batches_of(people(tmp_path), **options)


def test_no_data_set():
    with pytest.raises(ValueError, match="`source` must be a data set"):
        FaceBatches("photos")


def make_model():
    keras.utils.set_random_seed(3)
    backbone = keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            keras.layers.Conv2D(4, 3, strides=2),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(5),
        ]
    )
    model = kh.models.MarginModel(backbone, kh.layers.ArcFace(4))
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    return model


def train(folder, run=None, kill=None):
    """Six epochs of three batches; killed after so many batches of it."""
    source = kh.data.open_faces(folder)
    batches = batches_of(source, augmentation="adaface", seed=5)
    callbacks = [batches.follow()]

    class Kill(keras.callbacks.Callback):
        left = kill

        def on_train_batch_end(self, batch, logs=None):
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)

    if run is not None:
        callbacks.append(kh.callbacks.ExactResume(run, save_freq=1))
    if kill:
        callbacks.append(Kill())
    model = make_model()
    model.fit(batches, epochs=6, callbacks=callbacks, verbose=0)
    return model


PROGRAM = """
import sys
import numpy as np
sys.path.insert(0, {here!r})
import test_face_batches as t
model = t.train({data!r}, {run!r}, int(sys.argv[1]))
np.savez({out!r}, *model.get_weights())
"""


@pytest.mark.slow
def test_killed_and_gone_on_is_the_unbroken_training(tmp_path):
    """kill -9 within, at the end of, and across epochs."""
    people(tmp_path / "data")
    program = PROGRAM.format(
        here=str(Path(__file__).parent),
        data=str(tmp_path / "data"),
        run=str(tmp_path / "run"),
        out=str(tmp_path / "weights.npz"),
    )
    # 18 batches in all; those that are passed over count for the second.
    for kill in (2, 4, 0):
        done = subprocess.run([sys.executable, "-c", program, str(kill)])
        assert done.returncode == (-signal.SIGKILL if kill else 0)
    wanted = train(tmp_path / "data").get_weights()
    with np.load(tmp_path / "weights.npz") as found:
        for name, value in zip(found.files, wanted, strict=True):
            np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-6)
