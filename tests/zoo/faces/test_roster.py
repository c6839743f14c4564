"""People come and go."""

import os

import numpy as np
import pytest

from keras_hypersphere.zoo import Gallery
from keras_hypersphere.zoo.faces.same_embeddings import embedding_facts
from tests.zoo.faces.stand_in import RATES, StandIn, vector, write_photo


@pytest.fixture
def folder(tmp_path):
    for name, moves in {"Ann": "ab", "Bob": "c", "Cid": "de"}.items():
        for move in moves:
            write_photo(tmp_path / name / f"{move}.jpg", name, move)
    write_photo(tmp_path / "Eve.jpg", "Eve")
    write_photo(tmp_path / "Ann" / "landscape.jpg", "")
    return tmp_path


@pytest.fixture
def gallery(folder):
    return Gallery.from_folder(StandIn(rates=RATES), folder)


def rows(gallery):
    """What a gallery holds, by photo."""
    return {
        (name, os.path.basename(photo)): row.tobytes()
        for name, photo, row in zip(
            gallery.names, gallery.photos, gallery.embeddings, strict=True
        )
    }


def test_from_folder(gallery, folder):
    assert gallery.people == ["Ann", "Bob", "Cid", "Eve"] and len(gallery) == 4
    assert list(gallery.failures) == [str(folder / "Ann" / "landscape.jpg")]
    assert repr(gallery) == (
        "<Gallery of dlib-resnet: 4 people, 6 photos, 1 failed>"
    )
    assert gallery.identify(folder / "Bob" / "c.jpg").person == "Bob"


def test_add(gallery, folder, tmp_path):
    new = write_photo(tmp_path / "new" / "1.jpg", "Dan")
    bad = write_photo(tmp_path / "new" / "2.jpg", "")
    before = gallery.threshold()
    done = []
    changes = gallery.add(
        "Dan", [new, bad, new], progress=lambda *told: done.append(told)
    )
    assert changes.added == (str(new),) and changes.changed == ()
    assert list(changes.failures) == [str(bad)] and str(bad) in gallery.failures
    assert gallery.identify(new).person == "Dan" and len(gallery) == 5
    # Another person, another threshold.
    assert gallery.threshold() < before
    # The same photo is one row, as it is now.
    write_photo(new, "Dan", "other")
    assert gallery.add("Dan", new).changed == (str(new),)
    assert gallery.names.count("Dan") == 1
    np.testing.assert_array_equal(
        gallery.embeddings[-1], vector("Dan", "other")
    )
    # A photo that failed and is good now.
    write_photo(bad, "Dan", "b")
    gallery.add("Dan", folder / "new")
    assert gallery.names.count("Dan") == 2 and str(bad) not in gallery.failures


def test_add_arrays(gallery):
    photos = [np.full((8, 8, 3), n, np.uint8) for n in (1, 2)]
    assert len(gallery.add("Dan", photos).added) == 2
    gallery.add("Dan", np.full((8, 8, 3), 3, np.uint8))
    assert gallery.names.count("Dan") == 3
    assert gallery.identify(photos[1]).matches[0].distance < 1e-6


def test_what_cannot_be_added(gallery, tmp_path):
    before = rows(gallery), dict(gallery.failures)
    for wrong in ("", " ", 3, None, "a\0b"):
        with pytest.raises(ValueError, match="`name` must be a person's name"):
            gallery.add(wrong, tmp_path / "Eve.jpg")
    with pytest.raises(ValueError, match="No photo of 'Dan' has a face"):
        gallery.add("Dan", write_photo(tmp_path / "bad" / "1.jpg", ""))
    with pytest.raises(ValueError, match="No photo of 'Dan' has a face"):
        gallery.add("Dan", [])
    assert (rows(gallery), gallery.failures) == before


def test_remove(gallery, folder):
    lax = gallery.threshold()
    changes = gallery.remove("Ann")
    assert changes.removed == tuple(
        str(folder / "Ann" / f"{move}.jpg") for move in "ab"
    )
    assert gallery.people == ["Bob", "Cid", "Eve"] and not gallery.failures
    assert gallery.identify(folder / "Ann" / "a.jpg").person is None
    assert gallery.threshold() > lax
    with pytest.raises(
        ValueError, match=r"`name` must be.*list`\. Did you mean 'Bob'"
    ):
        gallery.remove("bob")
    for name in ("Bob", "Cid", "Eve"):
        gallery.remove(name)
    assert len(gallery) == 0 and gallery.photos == []
    nobody = gallery.identify(folder / "Eve.jpg")
    assert nobody.person is None and nobody.matches == ()
    gallery.add("Eve", folder / "Eve.jpg")
    assert gallery.identify(folder / "Eve.jpg").person == "Eve"


def test_update(gallery, folder):
    write_photo(folder / "Dan" / "f.jpg", "Dan")  # new person
    write_photo(folder / "Bob" / "g.jpg", "Bob", "g")  # new photo
    write_photo(folder / "Cid" / "d.jpg", "Cid", "changed")
    (folder / "Eve.jpg").unlink()
    (folder / "Ann" / "a.jpg").unlink()
    # As large and as old as before: only the bytes tell.
    stat = (folder / "Cid" / "e.jpg").stat()
    write_photo(folder / "Cid" / "e.jpg", "Cid", "E")
    os.utime(folder / "Cid" / "e.jpg", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    gallery.embedder.embedded.clear()
    changes = gallery.update(folder)
    names = [
        [os.path.relpath(photo, folder) for photo in photos]
        for photos in (changes.added, changes.changed, changes.removed)
    ]
    assert [sorted(each) for each in names] == [
        ["Bob/g.jpg", "Dan/f.jpg"],
        ["Cid/d.jpg", "Cid/e.jpg"],
        ["Ann/a.jpg", "Eve.jpg"],
    ]
    # What is the same is not embedded again; what failed is tried again.
    assert len(gallery.embedder.embedded) == 5
    fresh = Gallery.from_folder(StandIn(rates=RATES), folder)
    assert rows(gallery) == rows(fresh)
    assert gallery.failures == fresh.failures
    assert gallery.threshold() == pytest.approx(fresh.threshold())
    again = gallery.update(folder)
    assert not (again.added or again.changed or again.removed)
    assert repr(again) == (
        "<GalleryChanges: 0 photos added, 0 changed, 0 removed, 1 failed>"
    )


def test_update_keeps_what_lies_elsewhere(gallery, folder, tmp_path_factory):
    elsewhere = write_photo(tmp_path_factory.mktemp("e") / "1.jpg", "Dan")
    gallery.add("Dan", elsewhere)
    changes = gallery.update(folder)
    assert "Dan" in gallery.people and not changes.removed
    # A copy of it is another photo, as long as it is there.
    copy = folder / "Dan" / "2.jpg"
    copy.parent.mkdir()
    copy.write_bytes(elsewhere.read_bytes())
    assert gallery.update(folder).added == (str(copy),)
    assert gallery.photos.count(str(elsewhere)) == 1


def test_a_changed_photo_without_a_face_is_gone(gallery, folder):
    write_photo(folder / "Bob" / "c.jpg", "")
    changes = gallery.update(folder)
    assert "Bob" not in gallery.people
    assert str(folder / "Bob" / "c.jpg") in changes.failures
    assert changes.removed == (str(folder / "Bob" / "c.jpg"),)


def test_update_of_a_folder_that_was_moved(gallery, folder, monkeypatch):
    before = rows(gallery)
    gallery.embedder.embedded.clear()
    moved = folder.with_name("moved")
    folder.rename(moved)
    monkeypatch.chdir(moved.parent)
    changes = gallery.update("moved")
    assert rows(gallery) == before
    assert not (changes.added or changes.removed)
    assert gallery.embedder.embedded == ["moved/Ann/landscape.jpg"]
    assert "moved/Ann/a.jpg" in gallery.photos


def test_a_copy_is_no_move(gallery, folder):
    copy = folder / "Bob" / "copy.jpg"
    copy.write_bytes((folder / "Bob" / "c.jpg").read_bytes())
    assert gallery.update(folder).added == (str(copy),)
    assert gallery.names.count("Bob") == 2


def test_a_folder_that_is_not_there_empties_nothing(gallery, tmp_path):
    (tmp_path / "empty").mkdir()
    before = rows(gallery)
    with pytest.raises(ValueError, match="has no pictures"):
        gallery.update(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        gallery.update(tmp_path / "no")
    assert rows(gallery) == before


def test_merge(gallery, folder, tmp_path_factory):
    there = tmp_path_factory.mktemp("there")
    write_photo(there / "Ann" / "h.jpg", "Ann", "h")
    write_photo(there / "Flo.jpg", "Flo")
    write_photo(there / "bad.jpg", "")
    other = Gallery.from_folder(StandIn(rates=RATES), there)
    gallery.threshold()
    changes = gallery.merge(other)
    assert (
        len(changes.added) == 2 and str(there / "bad.jpg") in gallery.failures
    )
    assert gallery.people == ["Ann", "Bob", "Cid", "Eve", "Flo"]
    assert gallery.names.count("Ann") == 3
    assert gallery.identify(there / "Flo.jpg").person == "Flo"
    assert gallery.merge(other).added == ()
    assert gallery.merge(gallery).added == ()
    everybody = Gallery(
        gallery.embedder, gallery.embeddings, gallery.names, gallery.photos
    )
    assert everybody.threshold() == gallery.threshold()


def test_merge_refuses_other_embeddings(gallery):
    other = StandIn(golden_seed=3)
    with pytest.raises(ValueError, match="`other` was made with other weights"):
        gallery.merge(Gallery(other))
    facts = embedding_facts(other.card, np.zeros(128))
    assert facts["golden_seed"] == 3
