import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import BulkEmbedder, FaceEmbedder, images
from keras_hypersphere.zoo.faces import photo_embedder

SAMPLES = Path(images.__file__).parent / "samples"
GRACE, COLLINS = SAMPLES / "grace_hopper.jpg", SAMPLES / "eileen_collins.png"
FRESH = """
import pickle, sys
embed, batch = pickle.load(sys.stdin.buffer)
rows = embed(batch)
loaded = [name for name in ("keras", "tensorflow") if name in sys.modules]
sys.stdout.buffer.write(pickle.dumps((rows, loaded)))
"""


@pytest.fixture(scope="module")
def two_faces(tmp_path_factory):
    """Both samples next to each other."""
    left, right = (cv2.imread(str(path)) for path in (COLLINS, GRACE))
    height = min(len(left), len(right))
    path = tmp_path_factory.mktemp("photos") / "two.png"
    both = np.concatenate([left[:height], right[:height]], axis=1)
    assert cv2.imwrite(str(path), both)
    return path


@pytest.fixture(scope="module")
def embedder():
    return FaceEmbedder.from_preset("sface", runtime="opencv")


@pytest.fixture(scope="module")
def bulk():
    return BulkEmbedder(runtime="opencv")


def vectors(rows):
    return np.array(
        [cell for cell in rows["embedding"] if cell is not None], np.float32
    )


@pytest.mark.parametrize("choose", ["largest", "all"])
def test_rows_are_those_of_embed(choose, two_faces, embedder, tmp_path):
    """Failures between them, a photo twice, and parts of one face."""
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"broken")
    photos = ["no.jpg", two_faces, bad, GRACE, two_faces, "no.jpg"]
    photos = [str(photo) for photo in photos]
    rows = BulkEmbedder(runtime="opencv", batch_size=1, choose=choose)(
        {"path": np.array(photos, object)}
    )
    wanted = embedder.embed(
        photos, details=True, choose=choose, errors="skip", batch_size=1
    )
    np.testing.assert_array_equal(vectors(rows), wanted.vectors)
    each = 2 if choose == "all" else 1
    places = [0] + [1] * each + [2, 3] + [4] * each + [5]
    assert rows["path"].tolist() == [photos[place] for place in places]
    good = [row for row, error in enumerate(rows["error"]) if error is None]
    assert [rows["path"][row] for row in good] == wanted.names
    for row, face in zip(good, wanted.faces, strict=True):
        np.testing.assert_array_equal(rows["box"][row], face.face.box)
        assert rows["confidence"][row] == face.face.confidence
    for row in set(range(len(places))) - set(good):
        assert rows["error"][row] == wanted.failures[rows["path"][row]]
        assert rows["embedding"][row] is None and rows["box"][row] is None
        assert np.isnan(rows["confidence"][row])


def test_bytes(embedder, bulk):
    """With and without names; of null there is a row too."""
    files = [GRACE.read_bytes(), None, b"broken", COLLINS.read_bytes()]
    wanted = embedder.embed([files[0], files[3]])
    rows = bulk({"bytes": files})
    np.testing.assert_array_equal(vectors(rows), wanted)
    assert rows["path"].tolist() == [None] * 4
    assert rows["error"][2].startswith("photo 2 of the list: The data cannot")
    assert "None is no photo" in rows["error"][1]
    # The same name: each keeps its own.
    rows = bulk({"path": ["a", "a", "b", "a"], "bytes": files})
    np.testing.assert_array_equal(vectors(rows), wanted)
    assert rows["path"].tolist() == ["a", "a", "b", "a"]
    assert [error is None for error in rows["error"]] == [1, 0, 0, 1]
    assert rows["error"][2].startswith("b: ")
    empty = bulk({"path": []})
    assert {name: len(cells) for name, cells in empty.items()} == dict.fromkeys(
        ("path", "embedding", "box", "confidence", "error"), 0
    )


def test_crops(embedder, tmp_path):
    crop = embedder.embed(str(GRACE), details=True, crops=True).faces[0].crop
    path = tmp_path / "crop.png"
    assert cv2.imwrite(str(path), crop[:, :, ::-1])
    rows = BulkEmbedder(runtime="opencv", aligned=True)(
        {"path": [str(path), str(GRACE)]}
    )
    np.testing.assert_array_equal(
        rows["embedding"][0], embedder.embed_aligned(crop)
    )
    assert rows["box"].tolist() == [None, None]
    assert np.isnan(rows["confidence"]).all()
    assert "112 x 112 pixels were expected" in rows["error"][1]


def test_a_fresh_process_loads_it_and_no_keras(bulk):
    """Nor does the pickle hold what was loaded here."""
    batch = {"path": [str(GRACE)]}
    here = bulk(batch)
    data = pickle.dumps((bulk, batch))
    assert len(data) < 1000
    done = subprocess.run(
        [sys.executable, "-c", FRESH], input=data, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    there, loaded = pickle.loads(done.stdout)
    assert loaded == []
    np.testing.assert_array_equal(vectors(there), vectors(here))


def test_loads_late_and_once(monkeypatch):
    opened = []
    whole = photo_embedder.open_preset

    def open_preset(preset):
        opened.append(preset)
        return whole(preset)

    monkeypatch.setattr(photo_embedder, "open_preset", open_preset)
    embed = BulkEmbedder("nobody", runtime="opencv")
    assert opened == []
    with pytest.raises(ValueError, match="nobody"):
        embed({"path": []})
    embed = BulkEmbedder(runtime="opencv")
    assert embed.embedder is embed.embedder
    assert opened == ["nobody", "sface"]


def test_columns_are_lists_to_arrow(bulk):
    """All there, some, none: one type, which holds nulls."""
    pa = pytest.importorskip("pyarrow")
    for photos in ([GRACE, GRACE], [GRACE, "no.jpg"]):
        rows = bulk({"path": pa.array([str(photo) for photo in photos])})
        table = pa.table(rows)
        assert table.schema.field("embedding").type == pa.list_(pa.float32())
        assert table.schema.field("box").type == pa.list_(pa.float64())
        nulls = photos.count("no.jpg")
        assert table["embedding"].null_count == nulls


@pytest.mark.parametrize(
    ("batch", "match"),
    [
        ({"image": []}, r"`path`, `bytes` or both. Received: \['image'\]"),
        (["a.jpg"], "`batch` must be a mapping"),
        ({"path": "a.jpg"}, "`path` must be a column"),
        ({"path": ["a"], "bytes": []}, r"one length. Received: \{'path': 1"),
        ({"bytes": np.array([b"BM\0"])}, "drop zeros at the end"),
    ],
)
def test_wrong_batches(bulk, batch, match):
    with pytest.raises(ValueError, match=match):
        bulk(batch)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("runtime", "cuda"),
        ("batch_size", 0),
        ("choose", "first"),
        ("detector", "haar"),
    ],
)
def test_wrong_arguments(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be.*{value!r}"):
        BulkEmbedder(**{argument: value})
