import json
import pickle
import threading

import numpy as np
import pytest

from keras_hypersphere.face_files import columns, parquet_source
from keras_hypersphere.face_files.open_faces import open_faces
from tests.keras_hypersphere.face_files.formats import golden, read_all

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

PHOTOS = [b"photo %d" % i for i in range(7)]
LABELS = [2, 0, 2, 2, 0, 4, 0]
NAMES = ["Ann", "Bob", "Cid", "Dora", "Eve"]


def table(photos=None, labels=LABELS, features=True, names=NAMES):
    photos = photos or [
        {"bytes": photo, "path": f"p/{i}.jpg"} for i, photo in enumerate(PHOTOS)
    ]
    made = pyarrow.table({"image": photos, "label": labels})
    if not features:
        return made
    known = {
        "image": {"_type": "Image"},
        "label": {"_type": "ClassLabel", "names": names},
    }
    info = json.dumps({"info": {"features": known}})
    return made.replace_schema_metadata({b"huggingface": info.encode()})


def save(folder, *tables, state=None):
    """As `save_to_disk`."""
    folder.mkdir()
    files = []
    for number, some in enumerate(tables):
        name = f"data-{number:05}-of-{len(tables):05}.arrow"
        files.append({"filename": name})
        with pyarrow.ipc.new_stream(folder / name, some.schema) as stream:
            stream.write_table(some, max_chunksize=3)
    state = {"_data_files": files, **(state or {})}
    (folder / "state.json").write_text(json.dumps(state))
    return folder


def write(path, made=None, **options):
    parquet.write_table(made or table(), path, **options)
    return path


@pytest.mark.parametrize("name", ["hf/train.parquet", "hf/disk"])
def test_files_of_hugging_face(name):
    with open_faces(golden(name)) as source:
        rows = parquet.read_table(golden("hf/train.parquet")).to_pylist()
        assert read_all(source) == [row["image"]["bytes"] for row in rows]
        assert source.labels.tolist() == [0, 0, 1, 1]
        assert source.class_names == ["alice", "bob"]
        assert source.names[:] == [f"{i}.jpg" for i in range(4)]


@pytest.fixture(params=["parquet", "saved"])
def make(request, tmp_path):
    """Makes a data set of tables, in either format."""

    def as_parquet(*tables):
        for number, some in enumerate(tables):
            name = f"train-0000{number}-of-0000{len(tables)}.parquet"
            write(tmp_path / name, some, row_group_size=3)
        return open_faces(tmp_path)

    def as_saved(*tables):
        return open_faces(save(tmp_path / "saved", *tables))

    return as_parquet if request.param == "parquet" else as_saved


def test_groups_and_shards(make):
    source = make(table(), table())
    assert read_all(source) == PHOTOS * 2
    # Classes without a photo are none.
    assert source.class_names == ["Ann", "Cid", "Eve"]
    assert source.labels.tolist() == [1, 0, 1, 1, 0, 2, 0] * 2
    assert source.names[9] == "p/2.jpg"
    copy = pickle.loads(pickle.dumps(source))
    assert len(pickle.dumps(source)) < 5000
    source.close()
    with pytest.raises(ValueError, match="is closed"):
        source.read(0)
    assert read_all(copy) == PHOTOS * 2


def test_threads(make):
    source = make(table())
    wrong = []

    def read():
        order = np.random.default_rng().integers(0, 7, 200)
        wrong.extend(i for i in order if source.read(i) != PHOTOS[i])

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_plain_columns(make):
    names = [NAMES[label] for label in LABELS]
    source = make(table(PHOTOS, names, features=False))
    assert read_all(source) == PHOTOS
    assert source.class_names == ["Ann", "Cid", "Eve"]
    assert source.labels.tolist() == [1, 0, 1, 1, 0, 2, 0]
    assert source.names[5].endswith(":5")


def test_texts_in_a_dictionary(make):
    names = pyarrow.array([NAMES[label] for label in LABELS])
    source = make(table(PHOTOS, names.dictionary_encode(), features=False))
    assert source.class_names == ["Ann", "Cid", "Eve"]


def test_a_dictionary_that_holds_nothing(tmp_path):
    labels = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0, 1, 0, 0, 0, 0, 0]), pyarrow.array(["Ann", None])
    )
    made = table(labels=labels, features=False)
    with (
        open_faces(save(tmp_path / "a", made)) as source,
        pytest.raises(ValueError, match="row 1 has nothing as its 'label'"),
    ):
        _ = source.labels


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        (LABELS, pyarrow.array(LABELS, "int16"), LABELS),
        (
            [f"{n}" for n in LABELS],
            pyarrow.array([f"{n}" for n in LABELS]).dictionary_encode(),
            LABELS,
        ),
        ([f"{n}" for n in LABELS], LABELS, None),
        (LABELS, pyarrow.array([2**63] * 7, "uint64"), None),
    ],
)
def test_files_whose_labels_are_of_several_types(make, first, second, labels):
    source = make(
        table(labels=first, features=False),
        table(labels=second, features=False),
    )
    with source:
        if labels is None:
            with pytest.raises(ValueError, match="expected one type in all"):
                _ = source.labels
        else:
            found = [int(source.class_names[n]) for n in source.labels]
            assert found == labels * 2


@pytest.mark.parametrize(
    ("second", "match"),
    [
        (table(names=NAMES[::-1]), "other class names than"),
        (table().rename_columns(["image", "person"]), "no column 'label'"),
        (table().rename_columns(["img", "label"]), "no column 'image'"),
    ],
)
def test_files_of_two_data_sets(make, second, match):
    with pytest.raises(ValueError, match=match):
        make(table(), second)


def test_photos_in_files(make, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"in a file")
    photos = [{"bytes": None, "path": str(tmp_path / "a.jpg")}] * 7
    assert make(table(photos)).read(6) == b"in a file"


@pytest.mark.parametrize(
    "labels, match",
    [
        ([0, 1, -1, 0, 0, 0, 0], "row 2 has -1 as its 'label'"),
        ([0, 1, 1, 5, 0, 0, 0], "row 3 has 5 as its 'label'"),
        ([0, 1, 1, 1, None, 0, 0], "row 4 has nothing as its 'label'"),
        ([0.5] * 7, "holds double"),
    ],
)
def test_wrong_labels(make, labels, match):
    source = make(table(labels=labels))
    assert source.read(0) == PHOTOS[0]
    with pytest.raises(ValueError, match=match):
        _ = source.labels


def test_wrong_photos(make):
    photos = [{"bytes": None, "path": None}] * 7
    with pytest.raises(ValueError, match="row 4 has no photo in the column"):
        make(table(photos)).read(4)


def test_columns_that_are_missing(make):
    made = pyarrow.table({"a\nb": PHOTOS, "label": LABELS})
    with pytest.raises(ValueError, match=r"feature Image.*: a\?b, label;"):
        make(made)


def test_saved_data_sets_that_are_none(tmp_path):
    save(tmp_path / "rows", table(), state={"_indices_data_files": [{}]})
    with pytest.raises(ValueError, match="flatten_indices"):
        open_faces(tmp_path / "rows")
    save(tmp_path / "bad", table())
    for text, match in (
        ("{", "byte 1: expected JSON"),
        ("[" * 100_000, "expected JSON"),
        ("[]", "expected JSON of a dict"),
        ("{}", "names no data files"),
        ('{"_data_files": [{"filename": 3}]}', "names no data files"),
    ):
        (tmp_path / "bad" / "state.json").write_text(text)
        with pytest.raises(ValueError, match=match):
            open_faces(tmp_path / "bad")
    folder = tmp_path / "splits"
    folder.mkdir()
    (folder / "dataset_dict.json").write_text('{"splits": ["train"]}')
    save(folder / "train", table())
    assert read_all(open_faces(folder)) == PHOTOS
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(ValueError, match=r"'train', 'test'.*Name one"):
        open_faces(folder)


def test_parquet_cut_off_anywhere(tmp_path):
    path = write(tmp_path / "a.parquet")
    data = path.read_bytes()
    for end in range(4, len(data), 7):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="damaged at byte") as error:
            open_faces(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_arrow_cut_off_anywhere(tmp_path):
    folder = save(tmp_path / "saved", table())
    [path] = folder.glob("*.arrow")
    data = path.read_bytes()
    for end in range(1, len(data) - 8, 7):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="damaged at byte") as error:
            open_faces(folder)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_row_group_that_is_too_large(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet")
    monkeypatch.setattr(parquet_source, "LARGEST", 100)
    with pytest.raises(ValueError, match=r"would all be unpacked.*group_size"):
        open_faces(path).read(0)


def test_the_library_is_missing(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"keras-hypersphere\[parquet\]"):
        open_faces(path)
    assert columns.IMAGES[0] == "image"
