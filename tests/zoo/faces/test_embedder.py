"""FaceEmbedder on real portraits and, where present, on LFW crops."""

import dataclasses
import json
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from keras_hypersphere.zoo import (
    FaceEmbedder,
    LeNetPlusPlus,
    NoFaceError,
    images,
)
from keras_hypersphere.zoo.alignment import TEMPLATES, align
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.faces.distance import distances
from tests.miniatures.load import load_miniature

SAMPLES = Path(images.__file__).parent / "samples"
COLLINS = SAMPLES / "eileen_collins.png"
HOPPER = SAMPLES / "grace_hopper.jpg"
LFW = Path(__file__).parents[3] / ".." / "shared" / "lfw"
CARD = get_card("dlib-resnet")


@pytest.fixture(scope="module")
def embedder():
    return FaceEmbedder.from_preset("dlib-resnet")


def crops(count, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 150, 150, 3), dtype=np.uint8)


def test_verify_two_people(embedder):
    answer = embedder.verify(COLLINS, str(HOPPER))
    assert answer.same is False
    assert answer.distance > answer.threshold == CARD.threshold
    assert [face.photo for face in answer.faces] == [str(COLLINS), str(HOPPER)]
    vectors = embedder.embed([COLLINS, HOPPER])
    assert answer.distance == pytest.approx(
        np.linalg.norm(vectors[0] - vectors[1])
    )
    assert json.loads(json.dumps(answer.as_dict()))["same"] is False


def test_verify_one_person(embedder):
    photo = images.read(COLLINS)
    answer = embedder.verify(COLLINS, np.ascontiguousarray(photo[:, ::-1]))
    assert answer.same is True and 0.05 < answer.distance < 0.4
    assert embedder.verify(photo, COLLINS).distance < 1e-5


def test_threshold_of_yours(embedder):
    assert embedder.verify(COLLINS, HOPPER, threshold=2).same is True
    answer = embedder.verify(COLLINS, COLLINS, threshold=-1.0)
    assert answer.same is False and answer.threshold == -1.0
    for wrong in (float("nan"), True, "0.6"):
        with pytest.raises(ValueError, match="`threshold` must be"):
            embedder.verify(COLLINS, HOPPER, threshold=wrong)


def test_unknown_threshold(embedder):
    """A card without one compares, but decides nothing by itself."""
    card = dataclasses.replace(CARD, threshold=0.0)
    unknown = FaceEmbedder(embedder.model, card)
    with pytest.raises(ValueError, match=r"give one as .*evaluate lfw"):
        unknown.verify(COLLINS, HOPPER)
    answer = unknown.verify(COLLINS, HOPPER, threshold=0.6)
    assert answer.same is False and answer.threshold == 0.6


def test_crops_that_are_no_faces():
    """LeNet++ takes digits: nothing in a photo is aligned for it."""
    keras.utils.set_random_seed(0)
    model = LeNetPlusPlus(width=1 / 8)
    dim = model.output_shape[1]
    digits = dataclasses.replace(
        CARD,
        template="none",
        input_shape=(28, 28, 1),
        channels="gray",
        mean=(0.0,),
        scale=1 / 256,
        dim=dim,
        golden_output=(0.0,) * dim,
        parameters=0,
        feature_layer="ip1",
    )
    embedder = FaceEmbedder(model, digits)
    crops = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), np.uint8)
    rows = embedder.embed_aligned(crops)
    assert rows.shape == (3, dim) and rows.std() > 0
    np.testing.assert_array_equal(embedder.embed(crops, aligned=True), rows)
    for call in (
        lambda: embedder.embed(COLLINS),
        lambda: embedder.verify(COLLINS, HOPPER),
        lambda: embedder.gallery(SAMPLES),
        lambda: embedder.embed_aligned(np.zeros((9, 9, 3), np.uint8)),
    ):
        with pytest.raises(ValueError, match="Use `embed_aligned`"):
            call()


def test_photos_of_many_sizes(embedder):
    """Together they give what each gives alone, in their order."""
    photo, other = images.read(COLLINS), images.read(HOPPER)
    photos = [
        photo,
        other,
        np.ascontiguousarray(photo[:400, 20:]),
        photo[:, ::-1],
        other[10:, 5:],
    ]
    found = embedder.embed(photos, details=True, batch_size=2)
    assert len({photo.shape for photo in photos}) == 4
    for photo, row, face in zip(
        photos, found.vectors, found.faces, strict=True
    ):
        alone = embedder.embed(photo)
        # The detector rounds boxes: a batch may move them by a pixel.
        assert np.linalg.norm(alone - row) < 0.1
        x, y = face.face.landmarks.T
        assert x.min() > 0 and x.max() < photo.shape[1]
        assert y.min() > 0 and y.max() < photo.shape[0]
    people = distances(found.vectors, found.vectors) < 0.6
    same = np.array([True, False, True, True, False])
    np.testing.assert_array_equal(people, same[:, None] == same)


def test_where_the_network_computes():
    """Backends other than TensorFlow make no copies for other runtimes."""
    embedder = load_miniature("dlib-resnet.miniature")
    assert embedder.runtime == "auto"
    with pytest.raises(AttributeError):
        embedder.model = None
    if keras.config.backend() == "tensorflow":
        return
    with pytest.raises(ValueError, match="set KERAS_BACKEND=tensorflow"):
        FaceEmbedder(embedder.model, embedder.card, runtime="openvino")
    many = crops(300)
    plain = FaceEmbedder(embedder.model, embedder.card, runtime="keras")
    np.testing.assert_array_equal(
        embedder.embed_aligned(many), plain.embed_aligned(many)
    )


def test_several_faces(embedder):
    collins = images.read(COLLINS)[:300, 60:380]
    hopper = images.read(HOPPER)[60:360, 100:420]
    both = np.concatenate([collins, hopper], axis=1)
    # Hopper's face is the larger, Collins' nearer to the middle of this.
    wide = np.concatenate([np.zeros((300, 320, 3), np.uint8), both], axis=1)
    found = embedder.embed([wide], details=True)
    assert found.faces[0].found >= 2
    alone = embedder.embed([collins, hopper])
    to_largest = distances(found.vectors, alone)[0]
    assert to_largest[1] < 0.3 < to_largest[0]
    to_middle = distances(embedder.embed([wide], choose="center"), alone)[0]
    assert to_middle[0] < 0.3 < to_middle[1]


def test_folder_goes_on_after_bad_photos(embedder, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "hopper.jpg").write_bytes(HOPPER.read_bytes())
    (tmp_path / "b.jpg").write_bytes(b"broken")
    (tmp_path / "c.png").write_bytes(COLLINS.read_bytes())
    (tmp_path / "notes.txt").write_text("no photo")
    empty = tmp_path / "d.png"
    cv2.imwrite(str(empty), np.full((80, 80, 3), 90, np.uint8))
    seen = []
    found = embedder.embed(
        tmp_path, details=True, progress=lambda *done: seen.append(done)
    )
    assert found.names == [
        str(tmp_path / "a" / "hopper.jpg"),
        str(tmp_path / "c.png"),
    ]
    assert found.vectors.shape == (2, 128)
    assert list(found.failures) == [str(tmp_path / "b.jpg"), str(empty)]
    assert "No face was found" in found.failures[str(empty)]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert found.faces[0].crop is None
    with pytest.raises(ValueError, match=r"details=True"):
        embedder.embed(tmp_path)
    with pytest.raises(NoFaceError, match=r"d\.png"):
        embedder.embed(empty)
    with pytest.raises(ValueError, match=r"b\.jpg"):
        embedder.embed([COLLINS, tmp_path / "b.jpg"])
    found = embedder.embed(empty, details=True, errors="skip")
    assert found.vectors.shape == (0, 128) and len(found.failures) == 1


def test_progress_bar(embedder, capsys):
    embedder.embed(crops(3), aligned=True, progress=True)
    assert "3/3" in capsys.readouterr().err
    embedder.embed(crops(3), aligned=True)
    assert capsys.readouterr() == ("", "")


def test_shapes_of_answers(embedder):
    assert embedder.embed([]).shape == (0, 128)
    aligned = crops(3)
    assert embedder.embed(aligned, aligned=True).shape == (3, 128)
    assert embedder.embed(aligned[0], aligned=True).shape == (128,)
    found = embedder.embed(
        aligned, aligned=True, details=True, crops=True, batch_size=2
    )
    np.testing.assert_array_equal(found.faces[2].crop, aligned[2])
    np.testing.assert_allclose(
        found.vectors, embedder.embed_aligned(aligned), atol=1e-5
    )


def test_golden_output(embedder):
    y = embedder.embed_aligned(golden_crop(CARD))
    assert y.shape == (128,) and y.dtype == np.float32
    assert np.linalg.norm(y - CARD.golden_output) < 1e-4


def test_batches_do_not_change_embeddings(embedder):
    aligned = crops(7)
    one = np.stack([embedder.embed_aligned(crop) for crop in aligned])
    for size in (1, 3, 32):
        np.testing.assert_allclose(
            embedder.embed_aligned(aligned, batch_size=size), one, atol=1e-5
        )
    np.testing.assert_allclose(
        embedder.embed_aligned(aligned.astype("float64")), one, atol=1e-5
    )
    assert embedder.embed_aligned(aligned[:0]).shape == (0, 128)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((150, 150), np.uint8), "shape"),
        (np.zeros((1, 112, 96, 3), np.uint8), r"align` them to dlib"),
        (np.full((150, 150, 3), 0.5), "Multiply them by 255"),
        (np.full((150, 150, 3), np.nan), "nan"),
    ],
)
def test_embed_aligned_refuses(embedder, array, message):
    with pytest.raises(ValueError, match=message):
        embedder.embed_aligned(array)


@pytest.mark.parametrize(
    ("photos", "arguments", "message"),
    [
        (COLLINS, {"choose": "best"}, "'best'"),
        (COLLINS, {"errors": "ignore"}, "'ignore'"),
        (crops(1), {"aligned": True, "batch_size": 0}, "batch_size=0"),
        (5, {}, "type int"),
        ([5], {}, "type int"),
        ([np.zeros((4, 4, 2))], {}, r"photo 0 of the list: .*\(4, 4, 2\)"),
        (np.zeros((9, 9, 3), np.uint8), {"aligned": True}, "9 x 9"),
        (np.zeros((60, 60, 3), np.uint8), {}, "No face was found in 'the ph"),
    ],
)
def test_embed_refuses(embedder, photos, arguments, message):
    with pytest.raises(ValueError, match=message):
        embedder.embed(photos, **arguments)


def test_empty_folder_and_missing_file(embedder, tmp_path):
    with pytest.raises(ValueError, match="has no pictures"):
        embedder.embed(tmp_path, details=True)
    with pytest.raises(FileNotFoundError, match=r"nope\.jpg"):
        embedder.embed(tmp_path / "nope.jpg")


@pytest.mark.parametrize(
    ("flip", "dim"), [("concat", 256), ("sum", 128), ("max", 128)]
)
def test_mirrored_crops_are_merged(embedder, flip, dim):
    card = dataclasses.replace(
        CARD, flip=flip, dim=dim, golden_output=(0.0,) * dim
    )
    merged = FaceEmbedder(embedder.model, card).embed_aligned(crops(3))
    front = embedder.embed_aligned(crops(3))
    back = embedder.embed_aligned(crops(3)[:, :, ::-1])
    expected = {
        "concat": np.concatenate([front, back], axis=1),
        "sum": front + back,
        "max": np.maximum(front, back),
    }[flip]
    np.testing.assert_allclose(merged, expected, atol=1e-5)


def test_model_must_fit_the_card():
    inputs = keras.Input((150, 150, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, x)
    with pytest.raises(ValueError, match=r"output of the shape \(128,\)"):
        FaceEmbedder(model, CARD)
    model = keras.Model(inputs, keras.layers.Dense(128)(x))
    card = dataclasses.replace(CARD, template="sphereface")
    with pytest.raises(ValueError, match=r"template .*\(112, 96, 3\)"):
        FaceEmbedder(model, card)
    with pytest.raises(ValueError, match=r"5,614,592 param.* Received: 512;"):
        FaceEmbedder(model, CARD)
    card = dataclasses.replace(CARD, parameters=0)
    with pytest.raises(ValueError, match=r"a layer 'embedding', which gives"):
        FaceEmbedder(model, card)


def test_preset_folder(embedder, tmp_path):
    folder = tmp_path / "preset"
    card = embedder.save_to_preset(folder)
    assert sorted(p.name for p in folder.iterdir()) == [
        "card.json",
        "model.keras",
    ]
    assert card.published == CARD.published
    read = FaceEmbedder.from_preset(folder)
    np.testing.assert_array_equal(
        read.embed_aligned(crops(2)), embedder.embed_aligned(crops(2))
    )
    # A model that was trained on does not keep another's results.
    read.model.get_layer("embedding").kernel.assign_add(
        np.full((256, 128), 0.01)
    )
    card = read.save_to_preset(folder)
    assert card.published == card.measured == ()
    again = FaceEmbedder.from_preset(str(folder))
    np.testing.assert_array_equal(
        again.embed_aligned(crops(1)), read.embed_aligned(crops(1))
    )
    path = folder / "model.keras"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"model\.keras' .*damaged"):
        FaceEmbedder.from_preset(folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.keras"):
        FaceEmbedder.from_preset(folder)


def test_unknown_presets(tmp_path):
    with pytest.raises(ValueError, match="mean dlib-resnet"):
        FaceEmbedder.from_preset("dlib-resnet50")
    with pytest.raises(FileNotFoundError, match="no folder"):
        FaceEmbedder.from_preset(tmp_path / "nope")
    with pytest.raises(FileNotFoundError, match=r"no card .*card\.json"):
        FaceEmbedder.from_preset(tmp_path)


def test_real_people_are_told_apart(embedder):
    if not LFW.is_dir():
        pytest.skip("no LFW photos next to the repository")
    with np.load(LFW / "landmarks.npz") as data:
        points = dict(zip(data["names"], data["landmarks"], strict=True))
    people = {}
    for name in sorted(points):
        people.setdefault(name.split("/")[0], []).append(name)
    pairs = [names[:2] for names in people.values() if len(names) > 1][::33]
    assert len(pairs) >= 20
    vectors = [
        embedder.embed_aligned(
            np.stack(
                [
                    align(
                        images.read(LFW / "images" / pair[side], partial=True),
                        points[pair[side]],
                        TEMPLATES["dlib"],
                    )
                    for pair in pairs
                ]
            )
        )
        for side in range(2)
    ]
    matrix = distances(*vectors)
    same = np.eye(len(pairs), dtype=bool)
    assert (matrix[same] < 0.6).mean() > 0.9
    assert (matrix[~same] > 0.6).mean() > 0.97
