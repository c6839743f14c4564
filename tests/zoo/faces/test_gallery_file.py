"""Files of galleries: kept whole, read without trust."""

import pickle

import numpy as np
import pytest

from keras_hypersphere.zoo import Gallery
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.faces import search
from tests.zoo.faces.stand_in import RATES, StandIn, vector, write_photo


@pytest.fixture
def embedder():
    return StandIn(rates=RATES)


@pytest.fixture
def gallery(embedder, tmp_path):
    folder = tmp_path / "people"
    for name in ("Ann", "Böb", "\udce9"):
        for move in "ab":
            write_photo(folder / name / f"{move}.jpg", "x" + ascii(name), move)
    write_photo(folder / "bad.jpg", "")
    return Gallery.from_folder(embedder, folder, choose="center")


@pytest.fixture
def path(gallery, tmp_path):
    gallery.save(tmp_path / "g.npz")
    return tmp_path / "g.npz"


def altered(path, **fields):
    """The same file with other arrays; None leaves one out."""
    with np.load(path) as file:
        arrays = {**file, **fields}
    kept = {k: v for k, v in arrays.items() if v is not None}
    np.savez(path, **kept)
    return path


def test_everything_is_kept(gallery, embedder, path, monkeypatch):
    again = Gallery.load(path, embedder)
    np.testing.assert_array_equal(again.embeddings, gallery.embeddings)
    for name in ("names", "photos", "failures", "choose", "people"):
        assert getattr(again, name) == getattr(gallery, name)
    assert len(again.failures) == 1 and again.choose == "center"

    # The threshold is in the file: nothing is searched, for no rate.
    def never(*_):
        raise AssertionError

    monkeypatch.setattr(search.Search, "_scores", never)
    assert again.threshold() == gallery.threshold()
    assert 0 < again.threshold(0.1) == gallery.threshold(0.1)
    assert again.alike() == []
    monkeypatch.undo()
    embedder.embedded.clear()
    changes = again.update(path.parent / "people")
    assert not (changes.added or changes.removed)
    assert embedder.embedded == list(gallery.failures)
    again.save(path)
    np.testing.assert_array_equal(
        Gallery.load(path, embedder).embeddings, gallery.embeddings
    )


def test_other_rates_are_another_threshold(gallery, path):
    """A card may have learnt of its rates since."""
    lax = [{**rate, "far": rate["far"] / 10} for rate in RATES]
    again = Gallery.load(path, StandIn(rates=lax))
    assert again.threshold() > gallery.threshold()
    assert Gallery.load(path, StandIn()).threshold() == pytest.approx(0.7)


def test_who_was_removed_is_not_in_the_file(gallery, embedder, path):
    gone = vector("x" + ascii("Ann"), "a").tobytes()
    assert gone in path.read_bytes()
    gallery.remove("Ann")
    gallery.save(path)
    data = path.read_bytes()
    assert gone not in data and "Ann".encode("utf-32-le") not in data
    assert Gallery.load(path, embedder).people == gallery.people


def test_an_empty_gallery(embedder, tmp_path):
    Gallery(embedder).save(tmp_path / "e.npz")
    assert Gallery.load(tmp_path / "e.npz", embedder).people == []


def test_a_file_of_an_earlier_version(gallery, path):
    """Five arrays, and no more."""
    with np.load(path) as file:
        names = ("embeddings", "names", "photos", "model", "model_sha256")
        np.savez(path, **{name: file[name] for name in names})
    again = Gallery.load(path, StandIn(rates=RATES, distance="l2"))
    assert again.people == gallery.people and again.failures == {}
    # What its photos were is not known: they are embedded again.
    assert len(again.update(path.parent / "people").changed) == 6


def test_same_embeddings_under_another_name(gallery, path):
    fields = {"name": "mine", "weights_sha256": "1" * 64}
    again = Gallery.load(path, StandIn(rates=RATES, **fields))
    assert again.people == gallery.people
    with pytest.raises(
        ValueError, match=r"g\.npz' was made with other weights"
    ):
        Gallery.load(path, StandIn(golden_seed=1, **fields))


def test_after_save_to_preset(gallery, path, embedder):
    """Of weights that no card knew when the gallery was made."""
    fields = {"weights_sha256": "", "golden_output": ()}
    gallery.embedder.card = StandIn(**fields).card
    golden = np.array(get_card("dlib-resnet").golden_output)
    gallery.embedder.embed_aligned = lambda crop: golden
    gallery._golden = None
    gallery.save(path)
    saved = StandIn(weights_sha256="2" * 64)
    assert Gallery.load(path, saved).people == gallery.people


def test_a_model_that_the_zoo_does_not_have(path):
    altered(path, model=np.array("mine"), facts=None)
    with pytest.raises(ValueError, match="'mine', which is none of the zoo"):
        Gallery.load(path)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def test_no_pickle_is_run(path, embedder):
    for name in ("names", "embeddings", "unknown"):
        with np.load(path) as file:
            arrays = dict(file)
        other = path.with_name(f"{name}.npz")
        np.savez(other, **{**arrays, name: np.array([Trap()], object)})
        with pytest.raises(ValueError, match="is no gallery, or damaged"):
            Gallery.load(other, embedder)
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="is no gallery, or damaged"):
        Gallery.load(path, embedder)


@pytest.mark.parametrize(
    "fields",
    [
        {"names": np.array(["a"])},
        {"photos": np.array(["a"])},
        {"embeddings": np.zeros((6, 5))},
        {"embeddings": np.full((6, 128), np.nan)},
        {"embeddings": np.array("text")},
        {"embeddings": np.ones((6, 128), np.complex64)},
        {"embeddings": None},
        {"model_sha256": None},
        {"fingerprints": np.array(["a"])},
        {"others": np.zeros(2)},
        {"other_rows": np.full(6, 99)},
        {"reasons": np.array([], str)},
        {"facts": np.array("{")},
        {"facts": np.array("[]")},
        {"choose": np.array("all")},
        {"names": np.array([""] * 6)},
    ],
)
def test_arrays_that_do_not_fit(path, embedder, fields):
    with pytest.raises(ValueError, match=r"g\.npz' is .*damaged") as caught:
        Gallery.load(altered(path, **fields), embedder)
    assert "\n" not in str(caught.value)


def test_damaged_anywhere(gallery, path, embedder):
    """One clear line, or the gallery as it was."""
    data = path.read_bytes()
    draw = np.random.default_rng(0)
    refused = 0
    damaged = [data[: int(end)] for end in draw.integers(0, len(data), 60)]
    for place in draw.integers(0, len(data), 300):
        flipped = bytearray(data)
        flipped[place] ^= 1 << draw.integers(0, 8)
        damaged.append(bytes(flipped))
    for each in damaged:
        path.write_bytes(each)
        try:
            again = Gallery.load(path, embedder)
        except ValueError as error:
            assert str(path) in str(error) and "\n" not in str(error)
            refused += 1
            continue
        np.testing.assert_array_equal(again.embeddings, gallery.embeddings)
        assert again.names == gallery.names
    assert refused > 300


def test_the_old_file_stays_until_the_new_one_is_complete(
    gallery, path, monkeypatch
):
    before = path.read_bytes()
    gallery.remove("Ann")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        gallery.save(path)
    assert path.read_bytes() == before
    assert {p.name for p in path.parent.iterdir()} == {"people", "g.npz"}


# === Files of `embed` ===


@pytest.fixture
def embedded(tmp_path):
    names = ["p/Ann/1.jpg", "p/Ann/2.jpg", "p/Bob/1.jpg", "p/Eve.jpg"]
    np.savez(
        tmp_path / "e.npz",
        embeddings=np.eye(4, 128),
        names=np.array(names),
        choose=np.array("center"),
        model=np.array("dlib-resnet"),
        model_sha256=np.array(get_card("dlib-resnet").weights_sha256),
    )
    return tmp_path / "e.npz"


def test_from_embeddings(embedded, embedder):
    gallery = Gallery.from_embeddings(embedded, embedder)
    assert gallery.names == ["Ann", "Ann", "Bob", "Eve"]
    assert gallery.photos[2] == "p/Bob/1.jpg" and gallery.choose == "center"
    np.testing.assert_array_equal(gallery.embeddings, np.eye(4, 128))
    deeper = Gallery.from_embeddings(embedded, embedder, folder="p/")
    assert deeper.names == gallery.names
    with pytest.raises(ValueError, match=r"'p/Bob/1\.jpg' is not in it"):
        Gallery.from_embeddings(embedded, embedder, folder="p/Ann")


def test_embeddings_that_make_no_gallery(embedded, embedder, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file of embed"):
        Gallery.from_embeddings(tmp_path / "no.npz", embedder)
    other = StandIn(golden_seed=1, weights_sha256="1" * 64, distance="l2")
    with pytest.raises(ValueError, match="other weights"):
        Gallery.from_embeddings(embedded, other)
    altered(embedded, names=np.array(["p/a.jpg", "/p/b.jpg", "c", "d"]))
    with pytest.raises(ValueError, match="no common folder"):
        Gallery.from_embeddings(embedded, embedder)
    altered(embedded, names=np.array(["p/a.jpg"] * 4))
    with pytest.raises(ValueError, match="several faces of a photo"):
        Gallery.from_embeddings(embedded, embedder)
    altered(embedded, names=None)
    with pytest.raises(ValueError, match="is no file of embeddings, or dam"):
        Gallery.from_embeddings(embedded, embedder)
