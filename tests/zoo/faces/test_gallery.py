"""1:N search among the two portraits, and among made-up embeddings."""

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import FaceEmbedder, Gallery, NoFaceError, images
from keras_hypersphere.zoo.faces.distance import distances
from keras_hypersphere.zoo.faces.open_set import open_set_threshold
from keras_hypersphere.zoo.faces.rates import RateCurve
from tests.zoo.faces.stand_in import RATES, StandIn, vector, write_photo

SAMPLES = Path(images.__file__).parent / "samples"
COLLINS = SAMPLES / "eileen_collins.png"
HOPPER = SAMPLES / "grace_hopper.jpg"


@pytest.fixture(scope="module")
def embedder():
    return FaceEmbedder.from_preset("dlib-resnet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    (folder / "Eileen Collins").mkdir()
    photo = images.read(COLLINS)
    for name, pixels in (("a", photo), ("b", photo[:, ::-1])):
        path = folder / "Eileen Collins" / f"{name}.png"
        cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    (folder / "Grace Hopper.jpg").write_bytes(HOPPER.read_bytes())
    (folder / "broken.jpg").write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="module")
def gallery(embedder, folder):
    return embedder.gallery(folder)


def test_finds_whom_it_knows(gallery, folder):
    assert gallery.people == ["Eileen Collins", "Grace Hopper"]
    assert gallery.names == ["Eileen Collins"] * 2 + ["Grace Hopper"]
    assert list(gallery.failures) == [str(folder / "broken.jpg")]
    darker = (images.read(COLLINS) * 0.7).astype(np.uint8)
    found = gallery.identify(darker)
    assert found.person == "Eileen Collins"
    first, second = found.matches
    assert first.name == "Eileen Collins" and second.name == "Grace Hopper"
    assert first.distance < found.threshold < second.distance
    assert first.photo == str(folder / "Eileen Collins" / "a.png")
    assert len(gallery.identify(HOPPER, top_k=1).matches) == 1
    assert json.loads(json.dumps(found.as_dict()))["person"] == found.person


def test_an_impostor_is_nobody(gallery):
    """Nobody is near enough; the nearest are told all the same."""
    found = gallery.identify(HOPPER, threshold=-1.0)
    assert found.person is None
    assert found.matches[0].name == "Grace Hopper"
    with pytest.raises(NoFaceError):
        gallery.identify(np.full((80, 80, 3), 90, np.uint8))


def test_a_folder_is_no_photo(gallery, folder):
    """Not one of its photos is answered for."""
    for place in (folder, str(folder / "Eileen Collins")):
        with pytest.raises(ValueError, match="is a folder, a photo was exp"):
            gallery.identify(place)


def test_unknown_threshold(gallery, embedder):
    card = dataclasses.replace(embedder.card, threshold=0.0)
    if hasattr(card, "rates"):
        card = dataclasses.replace(card, rates=())
    unknown = Gallery(
        FaceEmbedder(embedder.model, card),
        gallery.embeddings,
        gallery.names,
        gallery.photos,
    )
    with pytest.raises(ValueError, match=r"threshold of dlib-resnet is not"):
        unknown.identify(HOPPER)
    assert unknown.identify(HOPPER, threshold=0.6).person == "Grace Hopper"
    with pytest.raises(ValueError, match="`threshold` must be a distance"):
        gallery.identify(HOPPER, threshold=float("inf"))


def made_up(people, moves="ab", **fields):
    names = [f"person {n}" for n in range(people) for _ in moves]
    rows = [vector(f"person {n}", m) for n in range(people) for m in moves]
    photos = [f"{n}.jpg" for n in range(len(rows))]
    embedder = StandIn(**{"rates": RATES, **fields})
    return Gallery(embedder, np.array(rows), names, photos)


def test_threshold_is_the_formula_s():
    gallery = made_up(30)
    away = distances(gallery.embeddings, gallery.embeddings, "cosine")
    codes = np.repeat(np.arange(30), 2)
    away[codes[:, None] == codes] = np.inf
    for rate in (0.01, np.float32(0.25)):
        wanted = open_set_threshold(
            float(rate), away.min(axis=1), codes, RateCurve(RATES), 0.7
        )
        assert gallery.threshold(rate) == pytest.approx(wanted)
    assert gallery.threshold() == gallery.threshold(0.01)
    for wrong in (0, 1, -1, True, None, "a"):
        with pytest.raises(ValueError, match="`false_identification_rate` mu"):
            gallery.threshold(wrong)


def test_larger_galleries_are_stricter():
    thresholds = [made_up(n).threshold() for n in (1, 10, 100)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert len(set(thresholds)) == 3


def test_threshold_without_rates():
    """The card's threshold, and never a larger one."""
    assert made_up(1, rates=()).threshold() == 0.7
    assert made_up(5, rates=()).threshold() == 0.7
    assert made_up(5, rates=(), threshold=0.95).threshold() < 0.95
    # A few people cannot tell a rate of 1 %, a hundred can.
    with pytest.raises(ValueError, match="is not known"):
        made_up(99, "a", rates=(), threshold=0.0).threshold()
    gallery = made_up(100, "a", rates=(), threshold=0.0)
    away = distances(gallery.embeddings, gallery.embeddings, "cosine")
    np.fill_diagonal(away, np.inf)
    assert gallery.threshold() == pytest.approx(np.sort(away.min(axis=1))[1])


def test_identify_uses_it(tmp_path):
    gallery = made_up(20)
    known = write_photo(tmp_path / "known.jpg", "person", "c")
    known.write_text("person-3 a")
    stranger = gallery.identify(known)
    assert stranger.person is None and len(stranger.matches) == 5
    assert stranger.threshold == gallery.threshold()
    gallery.add("person-3", write_photo(tmp_path / "a.jpg", "person-3", "b"))
    found = gallery.identify(known)
    assert found.person == "person-3"
    assert found.threshold == gallery.threshold() != stranger.threshold
    assert repr(found) == (
        f"<Identification of {str(known)!r}: person-3 (nearest 'person-3' at "
        f"{found.matches[0].distance:.4f}, threshold {found.threshold:.4f})>"
    )


def test_every_face(tmp_path):
    gallery = Gallery(StandIn(rates=RATES))
    for name in ("Ann", "Bob"):
        gallery.add(name, write_photo(tmp_path / f"{name}.jpg", name))
    photo = tmp_path / "photo.jpg"
    photo.write_text("Bob 1\nDan 2\nAnn 3\n")
    found = gallery.identify(photo, choose="all")
    assert [each.person for each in found] == ["Bob", None, "Ann"]
    assert [each.face.found for each in found] == [3, 3, 3]
    assert gallery.identify(photo).person == "Bob"
    # Embedded once, looked for in two galleries.
    embedded = gallery.embedder.embed([photo], details=True, choose="all")
    again = gallery.identify_embedded(embedded, top_k=1)
    assert [each.person for each in again] == ["Bob", None, "Ann"]
    assert all(len(each.matches) == 1 for each in again)


def test_people_with_two_names():
    gallery = made_up(10)
    assert gallery.alike() == []
    again = Gallery(
        gallery.embedder,
        np.concatenate([gallery.embeddings, gallery.embeddings[6:7]]),
        [*gallery.names, "Bob"],
        [*gallery.photos, "bob.jpg"],
    )
    [(first, second, distance)] = again.alike()
    assert (first, second) == ("Bob", "person 3")
    assert distance == pytest.approx(0.0, abs=1e-6)
    # They do not close the gallery to everybody.
    assert again.threshold() == pytest.approx(gallery.threshold(), abs=0.01)


def test_order_follows_the_loop(embedder):
    """Many photos a person, some of them the same."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 128)).astype("float32")
    rows[7] = rows[31]
    names = [f"person {n}" for n in rng.integers(0, 9, 40)]
    photos = [f"{n}.jpg" for n in range(40)]
    gallery = Gallery(embedder, rows, names, photos)
    for probe in (rng.normal(size=128), rows[7]):
        away = distances(probe, rows, embedder.card.distance)[0]
        best = {
            name: min(d for d, n in zip(away, names, strict=True) if n == name)
            for name in names
        }
        wanted = sorted(best.values())
        found = gallery.nearest(probe, 20)
        assert [m.distance for m in found] == pytest.approx(wanted)
        for match in found:
            assert match.distance == pytest.approx(best[match.name])
            place = photos.index(match.photo)
            assert names[place] == match.name
            assert away[place] == pytest.approx(match.distance)


def test_saved_and_loaded(gallery, embedder, tmp_path):
    path = tmp_path / "people.npz"
    gallery.save(path)
    again = Gallery.load(path)
    np.testing.assert_array_equal(again.embeddings, gallery.embeddings)
    assert (again.names, again.photos) == (gallery.names, gallery.photos)
    assert Gallery.load(path, embedder).identify(HOPPER).person == (
        "Grace Hopper"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["people.npz"]


def test_files_that_are_none(gallery, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        gallery.save(tmp_path / "people.txt")
    with pytest.raises(FileNotFoundError, match=r"There is no folder '.*no'"):
        gallery.save(tmp_path / "no" / "people.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ValueError, match=r"folder\.npz' is a folder"):
        gallery.save(tmp_path / "folder.npz")
    with pytest.raises(FileNotFoundError, match="There is no gallery"):
        Gallery.load(tmp_path / "no.npz")
    path = tmp_path / "other.npz"
    np.savez(path, embeddings=np.zeros((1, 128)))
    with pytest.raises(ValueError, match="is no gallery"):
        Gallery.load(path)
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="is no gallery"):
        Gallery.load(path)
    gallery.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, "model_sha256": np.array("0" * 64)})
    with pytest.raises(ValueError, match="other weights of dlib-resnet"):
        Gallery.load(path)


def test_arguments_are_checked(gallery, embedder, tmp_path):
    assert len(gallery.identify(HOPPER, top_k=np.int64(3)).matches) == 2
    for wrong in (0, -1, 2.5, True, np.bool_(True), "3", None):
        with pytest.raises(ValueError, match="`top_k` must be"):
            gallery.identify(HOPPER, top_k=wrong)
    with pytest.raises(ValueError, match="`choose` must be one of"):
        gallery.identify(HOPPER, choose="best")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        embedder.gallery(tmp_path / "no")
    with pytest.raises(ValueError, match="has no pictures"):
        embedder.gallery(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(ValueError, match=r"No photo in .* has a face"):
        embedder.gallery(tmp_path)
    with pytest.raises(ValueError, match="`embeddings` must be"):
        Gallery(embedder, np.zeros((2, 5)), ["a", "b"], ["a", "b"])
    with pytest.raises(ValueError, match="finite"):
        Gallery(embedder, np.full((1, 128), np.nan), ["a"], ["a"])
    with pytest.raises(ValueError, match=r"real numbers.*complex64"):
        Gallery(embedder, np.ones((1, 128), np.complex64), ["a"], ["a"])
    with pytest.raises(ValueError, match=r"`nearest` takes .*\(128,\)"):
        gallery.identify(gallery.embeddings[0])
