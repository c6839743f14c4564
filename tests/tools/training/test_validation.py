from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.tools.training.validation import (
    Crops,
    Faces,
    Validation,
    split_people,
    validation_set,
)
from keras_hypersphere.zoo import get_card, preprocess_input
from tests.tools.training.patches import (
    SIZE,
    Patches,
    make_backbone,
    make_model,
)


def held_out(source, **options):
    _, indices = split_people(source, 0.25)
    return validation_set("people", source, indices, SIZE, **options)


def test_crops_are_the_inputs_of_the_card():
    pixels = np.random.default_rng(0).integers(
        0, 256, (5, 4, 4, 3), dtype=np.uint8
    )
    card = get_card("sface")
    for channels in ("RGB", "BGR", "gray"):
        if channels == "gray":
            card = replace(
                card, channels="gray", mean=(127.5,), input_shape=(112, 112, 1)
            )
        else:
            card = replace(card, channels=channels)
        crops = Crops(pixels, card.mean, card.scale, channels, batch_size=2)
        found = np.concatenate([crops[i] for i in range(len(crops))])
        assert np.array_equal(found, preprocess_input(pixels, card))


def test_held_out_people(patches):
    faces = held_out(patches)
    assert len(faces.people) == 2
    pixels = faces.images.pixels
    assert len(pixels) == 12
    own = {patches.pixels[i].tobytes(): patches.labels[i] for i in range(48)}
    labels = np.array([own[photo.tobytes()] for photo in pixels])
    left, right = labels[faces.pairs].T
    assert np.array_equal(left == right, faces.same)
    assert faces.same.sum() == 2 * 15
    assert (~faces.same).sum() == 36


def test_none(patches):
    assert validation_set("none", patches) is None


def test_bin_embeds_each_photo_once(patches, tmp_path):
    path = tmp_path / "pairs.bin"
    order = [0, 1, 0, 20, 1, 20]
    photos = [patches.pixels[i] for i in order]
    kh.data.write_verification_bin(path, photos, [True, False, False])
    faces = validation_set(path, patches, None, SIZE)
    assert len(faces.images.pixels) == 3
    assert faces.pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert faces.same.tolist() == [True, False, False]
    assert np.array_equal(faces.images.pixels[2], patches.pixels[20])
    with pytest.raises(ValueError, match="16 x 16"):
        validation_set(path, patches, None, (112, 96))


def test_list_of_photos_of_the_data(patches, tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("p0/0.png p0/1.png 1\np0/1.png p2/12.png 0\n")
    faces = validation_set(path, patches, None, SIZE)
    assert faces.people == ["p0", "p2"]
    assert faces.pairs.tolist() == [[0, 1], [1, 2]]
    assert np.array_equal(faces.images.pixels[2], patches.pixels[12])


def test_lfw_list_next_to_its_photos(patches, tmp_path):
    path = tmp_path / "pairs.txt"
    path.write_text("1\nAnn\t1\t2\nAnn\t1\tBob\t1\n")
    files = {"Ann/Ann_0001": 0, "Ann/Ann_0002": 1, "Bob/Bob_0001": 9}
    for name, index in files.items():
        file = tmp_path / "images" / f"{name}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        # A PNG in name only would do; OpenCV looks at the bytes.
        file.write_bytes(patches.read(index))
    faces = validation_set(path, patches, None, SIZE)
    assert faces.people == ["Ann", "Bob"]
    assert faces.same.tolist() == [True, False]
    assert np.array_equal(faces.images.pixels[2], patches.pixels[9])
    (tmp_path / "images/Bob/Bob_0001.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="1 of 3 photos are missing"):
        validation_set(path, patches, None, SIZE)


def test_photos_that_are_no_crops_are_aligned(tmp_path):
    """Pictures without a face: the first error names a photo and why."""
    for name in ("a/1.png", "a/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((64, 64, 3), np.uint8))
    path = tmp_path / "pairs.txt"
    path.write_text("a/1.png a/2.png 1\na/1.png a/2.png 0\n")
    with pytest.raises(ValueError, match="no face detected"):
        validation_set(path, Patches((2, 2)), None, (112, 112))


def test_no_such_file(patches):
    with pytest.raises(FileNotFoundError, match="`people`, `none`"):
        validation_set("no-such-file.txt", patches)
    with pytest.raises(ValueError, match="`indices`"):
        validation_set("people", patches)


@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
def test_logs_are_those_of_a_loop(patches, distance):
    faces = held_out(patches)
    model = make_model()
    validation = Validation(faces, model.backbone, distance, batch_size=5)
    validation.set_model(model)
    validation.set_params({"epochs": 1})
    logs = {}
    validation.on_epoch_end(0, logs)

    pixels = faces.images.pixels.astype(np.float32)
    embeddings = keras.ops.convert_to_numpy(
        model.backbone((pixels - 127.5) / 128)
    ).astype(np.float64)
    distances = []
    for i, j in faces.pairs:
        u, v = embeddings[i], embeddings[j]
        if distance == "cosine":
            u, v = u / np.sqrt(u @ u), v / np.sqrt(v @ v)
            distances.append(1 - u @ v)
        else:
            squared = ((u - v) ** 2).sum()
            root = distance == "l2"
            distances.append(np.sqrt(squared) if root else squared)
    distances = np.array(distances)
    same = faces.same
    wins = [
        (d > s) + (d == s) / 2
        for s in distances[same]
        for d in distances[~same]
    ]
    assert logs["val_auc"] == pytest.approx(np.mean(wins), abs=1e-6)
    accepted = distances < logs["val_threshold"]
    balanced = (accepted[same].mean() + (~accepted[~same]).mean()) / 2
    assert logs["val_accuracy"] == pytest.approx(balanced, abs=1e-9)
    best = max(
        ((distances < t)[same].mean() + (distances >= t)[~same].mean()) / 2
        for t in [0, *np.sort(distances) + 1e-9]
    )
    assert logs["val_accuracy"] == pytest.approx(best, abs=1e-9)
    # 36 different pairs: none of them may be accepted at 1 %.
    strict = (distances[same] < distances[~same].min()).mean()
    assert logs["val_tar_at_far_0.01"] == pytest.approx(strict, abs=1e-9)
    assert "val_tar_at_far_0.001" not in logs
    for rate in validation.rates():
        accepted = distances < rate["threshold"]
        assert rate["far"] == pytest.approx(accepted[~same].mean(), abs=0.03)
        assert rate["frr"] == pytest.approx(1 - accepted[same].mean(), abs=0.04)


def test_averages_are_measured(patches):
    faces = held_out(patches)
    model = make_model(use_ema=True, ema_momentum=0.5)
    validation = Validation(faces, model.backbone)
    x = (np.stack(patches.pixels[:36]).astype("float32") - 127.5) / 128
    model.fit(x, patches.labels[:36], verbose=0, callbacks=[validation])
    # Keras has written the averages over the weights by now.
    measured = validation.report.auc
    validation.set_model(model)
    assert validation.measure().auc == pytest.approx(measured, abs=1e-9)


def test_nan_is_no_threshold(patches):
    faces = held_out(patches)
    model = make_model()
    kernel = model.backbone.get_layer("embedding").kernel
    kernel.assign(keras.ops.full(kernel.shape, float("nan")))
    validation = Validation(faces, model.backbone)
    validation.set_model(model)
    logs = {}
    with pytest.warns(UserWarning, match="NaN or infinite"):
        validation.on_epoch_end(0, logs)
    assert np.isnan([logs["val_auc"], logs["val_threshold"]]).all()
    assert validation.rates() == []


def test_rates_of_a_thousand():
    pairs = np.array([[i, i + 1] for i in range(0, 2400, 2)])
    faces = Faces(np.zeros((2400, *SIZE, 3)), pairs, np.arange(1200) < 200, "")
    assert list(Validation(faces, make_backbone()).far.values()) == [0.01, 1e-3]
